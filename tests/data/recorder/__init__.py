"""What record.py is made of: peers that talk, a relay that notes, conversations to have.

An arrow only ever points down:

    record.py       has the conversations, writes the files
    conversations   who talks to whom about what
    *_peer          one module per library: its endpoint, its client, its server
    endpoint        the face all peers share, and the acts they perform
    relay           copies TCP and notes what it copied; knows of WebSocket only where HTTP ends
"""
