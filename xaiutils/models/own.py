"""The networks this project trained itself, by name.

``OWN`` maps a name to its loader, a function of the keyword ``weights`` ("pretrained": the committed file, "random":
freshly initialised) that returns the network with ``name``, ``class_names``, ``input_size``, ``input_shape``, ``mean``
and ``std``. ``zoo.load`` finds them here.
"""

OWN = {}
