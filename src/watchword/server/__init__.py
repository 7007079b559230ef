"""
The authorization server. Needs `watchword[server]`.

Rooms, each of which knows only those before it: `domain` decides, `settings` says how it is set up, `storage` keeps,
`context` is what a request is handed, `tokens` issues, `operations` is what can be done, `web` speaks HTTP,
`jobs` runs by itself, `bootstrap` puts it all together, `serving` hands it to the HTTP server.
"""
