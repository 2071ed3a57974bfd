"""Asks the metadata service and says the status, hearing only packets with so many hops left."""
import socket
import sys

method, hops = sys.argv[1], int(sys.argv[2])
path = "/latest/api/token" if method == "PUT" else "/latest/meta-data/instance-id"
with socket.create_connection(("169.254.169.254", 80), timeout=5) as asking:
    # IP_MINTTL, which Python has no name for
    asking.setsockopt(socket.IPPROTO_IP, 21, hops)
    asking.settimeout(2)
    asking.sendall(
        f"{method} {path} HTTP/1.1\r\nHost: 169.254.169.254\r\n"
        "X-aws-ec2-metadata-token-ttl-seconds: 60\r\nConnection: close\r\n\r\n".encode()
    )
    try:
        print(asking.recv(100).split()[1].decode())
    except TimeoutError:
        print("nothing")
