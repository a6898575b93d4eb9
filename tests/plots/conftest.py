import pytest


@pytest.fixture
def whole():
    """Tells whether everything drawn, labels included, lies inside the figure."""
    def inside(fig):
        fig.draw_without_rendering()
        (left, bottom), (right, top) = fig.get_tightbbox().get_points()
        width, height = fig.get_size_inches()
        return min(left, bottom, width - right, height - top) > -0.01

    return inside
