"""
The console: pages for operators, made on the server, which work without JavaScript.

Owns: sessions' cookies, forms and their protection, pages and what they look like. Leaves to others: every rule, which
is the operations', with an operator as the actor.
"""
