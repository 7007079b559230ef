"""
What can be done, a file per family. Web, command line and jobs all come through here.

An operation is a plain synchronous function: it opens a transaction for its actor, states the permission it needs,
decides, saves, records. It raises `Problem` where it can't be done as asked, and then nothing of it has been done.
"""
