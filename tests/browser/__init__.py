"""
The console as people see it: real Chromium, a real server, nothing but loopback.

`shown.py` names every page and `tasks.py` what each room is for; whoever adds a room adds it there.
"""
