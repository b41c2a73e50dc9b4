"""A cluster that speaks TLS alone, as docs/cluster.md sets it up, and certificates that do not fit."""

from __future__ import annotations

import datetime
import ipaddress

import dask.config
import pandas as pd
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from test_cluster import Machines, table
from test_run_again import WORK, server, suite  # noqa: F401
from test_run_again import place as capitals  # noqa: F401

from harness.errors import HarnessError
from harness.stages import run_suite


def authority(folder, name):
    """Write a CA's certificate and a host's that it signed; return the CA's."""
    folder.mkdir()
    keys = {who: ec.generate_private_key(ec.SECP256R1()) for who in ("ca", "host")}
    names = {who: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} {who}")]) for who in keys}
    now = datetime.datetime.now(datetime.UTC)
    for who, key in keys.items():
        made = (
            x509.CertificateBuilder()
            .subject_name(names[who])
            .issuer_name(names["ca"])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=who == "ca", path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .sign(keys["ca"], hashes.SHA256())
        )
        (folder / f"{who}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    secret = keys["host"].private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (folder / "host.key").write_bytes(secret)
    return folder


def configure(patch, folder):
    """Set what the page sets, and let Dask read it."""
    tls = {"CA_FILE": "ca.pem"}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        tls |= {f"{role}__CERT": "host.pem", f"{role}__KEY": "host.key"}
    patch.setenv("DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION", "true")
    for name, file in tls.items():
        patch.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{name}", str(folder / file))
    dask.config.refresh()


@pytest.mark.slow
def test_a_cluster_over_tls(server, capitals, tmp_path, monkeypatch):  # noqa: F811
    wanted = suite(server, "exact_match", "reader")
    alone = run_suite(wanted, stages=WORK, **capitals)
    far = {**capitals, "out": tmp_path / "far", "cache": tmp_path / "elsewhere"}
    (tmp_path / "machines").mkdir()
    running = None
    try:
        with monkeypatch.context() as patch:
            configure(patch, authority(tmp_path / "ours", "ours"))
            running = Machines(tmp_path / "machines", 2, "--protocol", "tls")
            assert running.address.startswith("tls://127.0.0.1:")
            run_suite(wanted, stages=WORK, executor=f"dask:{running.address}", **far)
            pd.testing.assert_frame_equal(table(far["out"]), table(alone.folder))
            configure(patch, authority(tmp_path / "theirs", "theirs"))
            with pytest.raises(HarnessError, match=r"certificate is not signed by the CA.*CERTIFICATE_VERIFY_FAILED"):
                run_suite(wanted, stages=WORK, executor=f"dask:{running.address}", **{**far, "out": tmp_path / "x"})
        dask.config.refresh()
        with pytest.raises(HarnessError, match=r"tls:// needs certificates.*DASK_DISTRIBUTED__COMM__TLS__CA_FILE"):
            run_suite(wanted, stages=WORK, executor=f"dask:{running.address}", **{**far, "out": tmp_path / "x"})
    finally:
        dask.config.refresh()
        if running:
            running.close()
