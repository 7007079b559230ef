"""
What the server tells of itself: numbers, and traces.

Owns: the table of metrics and the memory that workers count in, the metrics page's text, and the spans of a request.
Leaves to others: what a number means to whoever counts it, and HTTP.
"""
