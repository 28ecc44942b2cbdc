#!/usr/bin/env python3
"""A name server on 127.0.0.1:53 that never answers. Prints "listening", then "asked NAME" for each question."""
import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(("127.0.0.1", 53))
    print("listening", flush=True)
    while True:
        question = server.recv(4096)
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode("ascii", "replace"))
            at += 1 + question[at]
        print("asked " + ".".join(labels), flush=True)
