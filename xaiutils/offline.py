"""An executed notebook as an HTML page that loads nothing from the net: formulas are MathML, which browsers draw themselves."""

import html
from pathlib import Path

import latex2mathml.converter
from jinja2 import pass_context
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

TEMPLATES = Path(__file__).parent / "templates"


def to_html(notebook, title) -> str:
    """A notebook as one HTML page that loads nothing: no scripts, formulas as MathML, widgets as their static twins."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.title = title
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    return OfflineExporter(template_file=str(TEMPLATES / "notebook.html"), embed_images=True).from_notebook_node(notebook)[0]


class OfflineExporter(HTMLExporter):
    """nbconvert's exporter with formulas as MathML instead of text that MathJax would set."""

    @pass_context
    def markdown2html(self, context, source):
        renderer = MathRenderer(escape=False, embed_images=True, attachments=context.get("cell", {}).get("attachments", {}),
                                path=context.get("resources", {}).get("metadata", {}).get("path", ""), exclude_anchor_links=True)
        return MarkdownWithMath(renderer=renderer).render(source)


class MathRenderer(IPythonRenderer):
    """Markdown to HTML; a formula that latex2mathml cannot read stays visible as its LaTeX."""

    def inline_math(self, body):
        return to_mathml(body, "inline")

    def block_math(self, body):
        return to_mathml(body, "block")

    def latex_environment(self, name, body):
        unnumbered = name.rstrip("*") + "*"  # the documents' own equation numbers stand in \tag
        return to_mathml(rf"\begin{{{unnumbered}}}{body}\end{{{unnumbered}}}", "block")

    def _html_embed_images(self, html):
        return html  # nbconvert would close a <details> that goes on in the next block


def to_mathml(latex, display) -> str:
    known = latex.strip().replace(r"\arg", r"\operatorname{arg}")  # the one operator name latex2mathml lacks
    try:
        return latex2mathml.converter.convert(known, display=display)
    except Exception:  # noqa: BLE001  the library raises its own kinds for what it does not know, and IndexError for unbalanced braces
        return f"<code>{html.escape(latex)}</code>"
