"""What record_captures.py is made of: networks of our own, peers that talk, dumpcap that listens.

An arrow only ever points down:

    record_captures  makes the captures, writes the files
    scenes_*         what happens in each capture, one function each
    derived          the same captures in other forms, made by the tools that make such forms
    stage            a network, its servers, one dumpcap, and who met whom
    meeting          two endpoints of one connection: what they say and what is noted of it
    peers            servers and clients, from the endpoints of `recorder`
    openssl_peers    those whose TLS is steered by the scene
    line, network    namespaces, veth pairs, and a line that loses and reorders frames
    checks           what tshark finds in the file, compared with what the applications said
    tools            dumpcap, editcap and the others, run to their end

The endpoints and most of what they say are those of `recorder`, which is beside this package.
"""
