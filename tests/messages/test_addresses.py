"""Where a webhook may go: a corpus of ways to name the inside, refused by their text or by what they resolve to."""

import pytest

from wallet.errors import InvalidInput
from wallet.messages.addresses import is_public, parse_place

REFUSED = [
    "http://hooks.example.vn/",  # no TLS
    "ftp://hooks.example.vn/",
    "file:///etc/passwd",
    "gopher://hooks.example.vn/",
    "https:/hooks.example.vn/",
    "//hooks.example.vn/",
    "hooks.example.vn",
    "",
    "https://",
    "https:///path",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",  # decimal
    "https://017700000001/",  # octal
    "https://0177.0.0.1/",
    "https://0x7f000001/",  # hexadecimal
    "https://0x7f.0.0.1/",
    "https://0x7f.1/",
    "https://127.0.0.0x1/",
    "https://1.2.3.08/",
    "https://0/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://::ffff:127.0.0.1/",
    "https://[fe80::1%25eth0]/",
    "https://[64:ff9b::7f00:1]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://10.0.0.1/",
    "https://8.8.8.8/",  # public, and no name all the same
    "https://localhost/",
    "http://localhost/",
    "http://127.0.0.1:8000/",
    "https://localhost./",
    "https://metadata/",
    "https://hooks.example.vn./",
    "https://.example.vn/",
    "https://hooks..example.vn/",
    "https://-hooks.example.vn/",
    "https://hooks-.example.vn/",
    "https://hooks_1.example.vn/",
    "https://" + "a" * 64 + ".example.vn/",
    "https://user@hooks.example.vn/",
    "https://user:password@hooks.example.vn/",
    "https://hooks.example.vn@127.0.0.1/",
    "https://hooks.example.vn:password@127.0.0.1/",
    "https://127.0.0.1\\@hooks.example.vn/",
    "https://hooks.example.vn\\.inside/",
    "https://hooks.example.vn#@127.0.0.1/",
    "https://hooks.example.vn/#fragment",
    "https://hooks.example.vn:0/",
    "https://hooks.example.vn:65536/",
    "https://hooks.example.vn:99999/",
    "https://hooks.example.vn:-1/",
    "https://hooks.example.vn:/",
    "https://hooks.example.vn:٤٤٣/",
    "https://hooks.example.vn: 443/",
    "https://hooks.example.vn:443:80/",
    " https://hooks.example.vn/",
    "https://hooks.example.vn/ ",
    "https://hooks.example.vn/a b",
    "https://hooks.example.vn/\r\nHost: inside",
    "https://hooks.example.vn\n",
    "https://hooks.example.vn\t/",
    "https://hooks.example.vn/\0",
    "https://hooks.example.vn?query",
    "https://móc.example.vn/",
    "https://ⓛocalhost.example.vn/",
    "https://hooks。example.vn/",
    "https://hooks.example.vn%2f@inside/",
    "https://hooks%00.example.vn/",
    "HTTPS://hooks.example.vn/",
]

ACCEPTED = {
    "https://hooks.example.vn": ("hooks.example.vn", 443, "/"),
    "https://HOOKS.example.VN/": ("hooks.example.vn", 443, "/"),
    "https://hooks.example.vn:8443/viso?key=a&b=/c": ("hooks.example.vn", 8443, "/viso?key=a&b=/c"),
    "https://xn--mc-7ja.example.vn/x/%20/y~": ("xn--mc-7ja.example.vn", 443, "/x/%20/y~"),
    "https://1.example.vn/": ("1.example.vn", 443, "/"),
}


@pytest.mark.parametrize("url", REFUSED)
@pytest.mark.parametrize("localhost", [False, True])
def test_inside_cannot_be_named(url: str, localhost: bool) -> None:
    if localhost and url in ("http://localhost/", "http://127.0.0.1:8000/"):
        assert parse_place(url, localhost=True).local
        return
    with pytest.raises(InvalidInput) as refused:
        parse_place(url, localhost=localhost)
    assert refused.value.fields == {"/url": "webhook_url_refused"}


@pytest.mark.parametrize("url", ACCEPTED)
def test_public_names_are_taken_as_they_are(url: str) -> None:
    place = parse_place(url)
    assert (place.host, place.port, place.path) == ACCEPTED[url]
    assert (place.scheme, place.local) == ("https", False)


INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2001:0:7f00:1::",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "100::1",
    "2001:db8::1",
    "hooks.example.vn",
    "",
]


@pytest.mark.parametrize("address", INSIDE)
def test_address_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "::ffff:8.8.8.8", "2606:4700::1111", "2404:6800:4005::8a"])
def test_address_outside_is_public(address: str) -> None:
    assert is_public(address)
