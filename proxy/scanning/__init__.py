"""What an answer is, by its bytes: decoded within bounds, recognised by how it begins, searched for marks.

Pure: it knows no settings, no verdict, no mitmproxy. What it finds is judged by the detectors of stage RESPONSE.
"""
