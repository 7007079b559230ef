"""
The pages for people, run as a reader would: every code block, in order, as it stands.

`pages` reads a page into blocks, `runner` runs them in one shell a page, `stage` is the machine that the page believes
to be on, `outputs` compares what is printed with what the page says. How blocks are marked stands in CONTRIBUTING.md,
"Docs".
"""
