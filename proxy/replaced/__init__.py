"""The private parts of mitmproxy that are replaced, one file a part of it. proxy/engine.py pins and installs them."""
