#!/usr/bin/env python3
"""A broker that knows the keys of a store: for each file a presigned URL, made with nothing but Python's library.

    presigning_broker.py KEYS ENDPOINT BUCKET PREFIX [STALE]

KEYS: a credentials file as of AWS's tools. STALE: directory; the first answer for each file is an address that expired an hour
ago, and a file there says so.
"""

import configparser
import datetime
import hashlib
import hmac
import json
import pathlib
import sys
import urllib.parse

REGION = "us-east-1"
SECONDS = 60


def signed(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def presigned_put(endpoint, path, keys, now, headers):
    """Signature Version 4 in the query; `headers` must be sent as they are."""
    day, time = now.strftime("%Y%m%d"), now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{day}/{REGION}/s3/aws4_request"
    headers = {"host": urllib.parse.urlsplit(endpoint).netloc, **{name.lower(): value for name, value in headers.items()}}
    names = ";".join(sorted(headers))
    query = urllib.parse.urlencode(sorted({
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": f"{keys['aws_access_key_id']}/{scope}", "X-Amz-Date": time,
        "X-Amz-Expires": str(SECONDS), "X-Amz-SignedHeaders": names}.items()), quote_via=urllib.parse.quote, safe="")
    path = urllib.parse.quote(path)
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"PUT\n{path}\n{query}\n{lines}\n{names}\nUNSIGNED-PAYLOAD"
    to_sign = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = signed(signed(signed(signed(b"AWS4" + keys["aws_secret_access_key"].encode(), day), REGION), "s3"), "aws4_request")
    return f"{endpoint}{path}?{query}&X-Amz-Signature={signed(key, to_sign).hex()}"


def main():
    keys_path, endpoint, bucket, prefix, *stale = sys.argv[1:]
    keys = configparser.ConfigParser()
    keys.read(keys_path)
    question = json.load(sys.stdin)
    now = datetime.datetime.now(datetime.timezone.utc)
    if stale:
        mark = pathlib.Path(stale[0]) / question["key"].replace("/", "-")
        if not mark.exists():
            mark.touch()
            now -= datetime.timedelta(hours=1)
    headers = {"Content-Type": question["content_type"]}
    path = f"/{bucket}/{prefix}/{question['key']}"
    print(json.dumps({"url": presigned_put(endpoint, path, keys["default"], now, headers), "headers": headers,
                      "expires_in": SECONDS}))


if __name__ == "__main__":
    main()
