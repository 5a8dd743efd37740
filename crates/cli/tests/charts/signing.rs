use super::common::Place;

/// A key for these tests only, made with GnuPG 2.2.
const KEY: &str = "-----BEGIN PGP PRIVATE KEY BLOCK-----

lFgEaw37oBYJKwYBBAHaRw8BAQdAHqe6rlhXuvFTo+BlNar5UqT5jUSqAI70Zns9
WJuhAxYAAP9DFJu4pIDpA+c09ZcGBi/FbnFo3mfpDSiBhq0eijKrFw9atBxBbm4g
UGFja2VyIDxhbm5AZXhhbXBsZS5jb20+iJAEExYIADgWIQQp3otPhfCX2JBDDZnU
7bVECok4iQUCaw37oAIbAwULCQgHAgYVCgkICwIEFgIDAQIeAQIXgAAKCRDU7bVE
Cok4ieHBAQD2RTN/7INr8HxftqtQHaw246/akHKJAv5lb5mFJS55UQEA/VeHke6i
Xs3uf+DB/FI0RpD4QBZnTAsqwQrgMQmhXwo=
=B5Gb
-----END PGP PRIVATE KEY BLOCK-----
";

/// Another one, behind the passphrase `secret`.
const LOCKED: &str = "-----BEGIN PGP PRIVATE KEY BLOCK-----

lIYEaw360RYJKwYBBAHaRw8BAQdA2Yb16t/Pre2C11MrrkAWpM0x+uSsCzo+CJUT
L2akES3+BwMCBEJxa62OUXJgXWrP7wIlUW16gTu5pTdYcl+03HsOSbod7B1ZCYDB
LuLpF/MahVnbVoHdcheddF53w9/6LzZK8VjkOJeY15ihPZ/wIFdBwbQcQW5uIFBh
Y2tlciA8YW5uQGV4YW1wbGUuY29tPoiQBBMWCAA4FiEEh9w0NsoupOpHKsBKjvSc
lH9HFYEFAmsN+tECGwMFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQjvSclH9H
FYFVKgD/R/BRnBiZgkaND1YJ83m/fJ63ZOYSaEPPSmpMNzMHCbwA/0IlR0mm1R+F
GCXS88OkA0PbTxo9EPCUIBG8/OpqNPwN
=cQwO
-----END PGP PRIVATE KEY BLOCK-----
";

/// A folder with the key, and `shop` packed and signed with it.
fn signed() -> Place {
    let place = Place::new();
    place.write("ring.asc", KEY);
    let done = place.run("package shop --sign --keyring ring.asc --key Ann");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert_eq!(done.out, "Successfully packaged chart and saved it to: HERE/shop-1.2.3.tgz\n");
    place
}

#[test]
fn what_was_signed_verifies() {
    let place = signed();
    let proof = place.read("shop-1.2.3.tgz.prov");
    let head = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\napiVersion: v2\ndependencies:\n- - name: db\n";
    assert!(proof.starts_with(head), "{proof}");
    let done = place.run("verify shop-1.2.3.tgz --keyring ring.asc");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    let lines: Vec<&str> = done.out.lines().collect();
    assert_eq!(
        lines.get(..2),
        Some(
            &[
                "Signed by: Ann Packer <ann@example.com>",
                "Using Key With Fingerprint: 29DE8B4F85F097D890430D99D4EDB5440A893889"
            ][..]
        )
    );
    assert_eq!(place.run("template r shop-1.2.3.tgz --verify --keyring ring.asc").code, 0);
}

/// Whatever is not as it was signed is refused by everything that verifies.
#[test]
fn what_was_changed_does_not() {
    let archive = "shop-1.2.3.tgz";
    let cases: [(&str, fn(&Place), &str); 6] = [
        ("the archive", |p| p.write("shop-1.2.3.tgz", "other"), "sha256 sum does not match for shop-1.2.3.tgz: "),
        (
            "the text",
            |p| p.write("shop-1.2.3.tgz.prov", &p.read("shop-1.2.3.tgz.prov").replace("name: shop", "name: shap")),
            "openpgp: invalid signature: EdDSA verification failure",
        ),
        ("the signature", |p| p.write("shop-1.2.3.tgz.prov", "none"), "signature block not found"),
        (
            "no signature",
            |p| std::fs::remove_file(p.path().join("shop-1.2.3.tgz.prov")).unwrap(),
            "could not load provenance file HERE/shop-1.2.3.tgz.prov: stat HERE/shop-1.2.3.tgz.prov: no such file",
        ),
        ("another key", |p| p.write("ring.asc", ""), "openpgp: signature made by unknown entity"),
        (
            "no ring",
            |p| std::fs::remove_file(p.path().join("ring.asc")).unwrap(),
            "failed to load keyring: open ring.asc: ",
        ),
    ];
    let place = signed();
    let as_signed = ["shop-1.2.3.tgz", "shop-1.2.3.tgz.prov", "ring.asc"].map(|name| {
        let path = place.path().join(name);
        (path.clone(), std::fs::read(path).unwrap())
    });
    for (what, change, want) in cases {
        as_signed.iter().for_each(|(path, data)| std::fs::write(path, data).unwrap());
        change(&place);
        let path = place.path().join(archive).to_str().unwrap().to_owned();
        for verb in ["verify", "template r --verify", "install r --dry-run=client --verify", "show chart --verify"] {
            let done = place.run(&format!("{verb} {path} --keyring ring.asc"));
            assert_eq!((done.code, done.out.as_str()), (1, ""), "{what}: {verb}");
            let text = done.err.strip_prefix("Error: ").unwrap();
            let text = text.strip_prefix("INSTALLATION FAILED: ").unwrap_or(text);
            assert!(text.starts_with(want), "{what}: {verb}: {text}");
        }
    }
    as_signed.iter().for_each(|(path, data)| std::fs::write(path, data).unwrap());
    let copy = |from: &str, to: &str| std::fs::copy(place.path().join(from), place.path().join(to)).unwrap();
    copy(archive, "shop-9.9.9.tgz");
    copy("shop-1.2.3.tgz.prov", "shop-9.9.9.tgz.prov");
    let done = place.run("verify shop-9.9.9.tgz --keyring ring.asc");
    assert_eq!(done.err, "Error: provenance does not contain a SHA for a file named \"shop-9.9.9.tgz\"\n");
}

#[test]
fn keys_behind_a_passphrase() {
    let place = Place::new();
    for (name, text) in [("ring.asc", LOCKED), ("pass", "secret\nnot this\n"), ("wrong", "Secret\n"), ("empty", "")] {
        place.write(name, text);
    }
    let sign = |key: &str, passphrase: &str| {
        place.run(&format!("package shop --sign --keyring ring.asc --key {key} --passphrase-file {passphrase}"))
    };
    for (key, passphrase, want) in [
        ("Ann", "wrong", "openpgp: invalid data: private key checksum failure"),
        ("Ann", "empty", "EOF"),
        ("Ann", "nowhere", "open nowhere: no such file or directory"),
        ("Ann", "-", "specified reading passphrase from stdin, without input on stdin"),
        ("Eve", "pass", "private key not found"),
    ] {
        let done = sign(key, passphrase);
        assert_eq!(
            (done.code, done.out, done.err),
            (1, String::new(), format!("Error: {want}\n")),
            "{key} {passphrase}"
        );
    }
    let done = place.run("package shop --sign --keyring ring.asc --key Ann");
    let asked = "Password for key \"Ann Packer <ann@example.com>\" >  \n";
    assert_eq!(
        (done.code, done.out.as_str(), done.err.as_str()),
        (1, asked, "Error: inappropriate ioctl for device\n")
    );
    assert_eq!(sign("Ann", "pass").err, "");
    assert_eq!(place.run("verify shop-1.2.3.tgz --keyring ring.asc").code, 0);
}
