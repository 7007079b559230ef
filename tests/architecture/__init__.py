"""
What holds for the repository itself: its layout, its lock files, what its packages export.
"""
