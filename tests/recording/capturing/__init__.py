"""The modules of record_captures.py: networks, peers that talk, and dumpcap, which captures them.

Each module uses only modules below it:

    record_captures  makes the captures, writes the files
    scenes_*         what happens in each capture, one function each
    derived          the same captures in other forms, made by the tools that make such forms
    stage            a network, its servers, one dumpcap, and the connections of the capture
    meeting          two endpoints of one connection: what they send, and the record of it
    peers            servers and clients, from the endpoints of `recorder`
    openssl_peers    servers and clients whose TLS is controlled by the scene
    line, network    namespaces, veth pairs, and a line that loses and reorders frames
    checks           what tshark finds in the file, compared with what the applications sent
    tools            runs dumpcap, editcap and the others

The endpoints and most of what they send are those of `recorder`, which is beside this package.
"""
