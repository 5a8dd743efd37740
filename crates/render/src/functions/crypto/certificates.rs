//! Certificates as Go's `x509.CreateCertificate` makes them for Sprig.

use std::borrow::Cow;
use std::net::IpAddr;

use gotext::{Arena, Call, Error, Kind, Object, Value};
use rand_chacha::rand_core::RngCore as _;
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate as Parsed;
use x509_cert::der::{Decode as _, Encode as _};

use super::der::{BOOLEAN, OCTETS, SEQUENCE, SET, bits, first_pem, group, integer, oid, pem, tlv};
use super::keys::{Key, rsa2048};
use crate::functions::args::{Out, any, bytes, int};
use crate::functions::host;
use crate::functions::print::sprint;
use crate::golang::base;
use crate::golang::time::{Time, Zone};

/// A `sprig.certificate`.
struct Certificate<'a> {
    cert: &'a [u8],
    key: &'a [u8],
}

impl<'a> Object<'a> for Certificate<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        "sprig.certificate".into()
    }
    fn kind(&self) -> Kind {
        Kind::Struct
    }
    fn field(&self, _arena: &'a Arena, name: &str) -> Option<Value<'a>> {
        match name {
            "Cert" => Some(Value::Str(self.cert)),
            "Key" => Some(Value::Str(self.key)),
            _ => None,
        }
    }
    fn fields(&self, _arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        vec![("Cert", Value::Str(self.cert)), ("Key", Value::Str(self.key))]
    }
}

/// What a certificate says of its holder.
struct Template {
    serial: [u8; 16],
    name: String,
    addresses: Vec<IpAddr>,
    hosts: Vec<String>,
    from: Time,
    until: Time,
    authority: bool,
}

/// Whoever signs: its name and key identifier as its own certificate has them.
struct Issuer {
    name: Vec<u8>,
    key_id: Vec<u8>,
}

pub(super) fn authority<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>], key: Option<usize>) -> Out<'a> {
    let key = take_key(c, a, key)?;
    let mut template = template(c, a, None, int(a, 1))?;
    template.authority = true;
    finish(c, &template, &key, None)
}

pub(super) fn self_signed<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>], key: Option<usize>) -> Out<'a> {
    let key = take_key(c, a, key)?;
    let template = template(c, a, Some((any(a, 1), any(a, 2))), int(a, 3))?;
    finish(c, &template, &key, None)
}

pub(super) fn signed<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>], key: Option<usize>) -> Out<'a> {
    let key = take_key(c, a, key)?;
    signed_with(c, a, &key, |pem| Key::from_pem(pem).map_err(|e| format!("error parsing private key: {e}")))
}

/// As Sprig 2.22 had it: the authority's key is an RSA key.
pub(crate) fn signed_by_rsa<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>]) -> Out<'a> {
    let key = take_key(c, a, None)?;
    signed_with(c, a, &key, |pem| rsa_from_pem(pem, "decodedSignerKey"))
}

/// Reads the first block of PEM as an RSA key, whatever it says it is.
fn rsa_from_pem(pem: &[u8], what: &str) -> Result<Key, String> {
    let Some((_, der)) = first_pem(pem) else { return Err("unable to decode key".to_owned()) };
    Key::from_pkcs1(&der).map_err(|e| format!("error parsing prive key: {what}.Bytes: {e}"))
}

fn signed_with<'a>(
    c: &mut Call<'a, '_>,
    a: &[Value<'a>],
    key: &Key,
    read: impl Fn(&[u8]) -> Result<Key, String>,
) -> Out<'a> {
    let (cert, signing) = match any(a, 4) {
        Value::Object(object) => (object.field(c.arena, "Cert"), object.field(c.arena, "Key")),
        _ => (None, None),
    };
    let text = |value: Option<Value<'a>>| if let Some(Value::Str(s)) = value { s } else { b"" };
    let Some((_, der)) = first_pem(text(cert)) else { return Err(Error::new("unable to decode certificate")) };
    let parsed = Parsed::from_der(&der)
        .map_err(|e| Error::new(format!("error parsing certificate: decodedSignerCert.Bytes: {e}")))?;
    let signer = read(text(signing)).map_err(Error::new)?;
    let template = template(c, a, Some((any(a, 1), any(a, 2))), int(a, 3))?;
    let name = parsed.tbs_certificate.subject.to_der().map_err(|e| Error::new(e.to_string()))?;
    let identifier = x509_cert::der::asn1::ObjectIdentifier::new_unwrap("2.5.29.14");
    let extensions = parsed.tbs_certificate.extensions.unwrap_or_default();
    let key_id = extensions.iter().find(|e| e.extn_id == identifier).map(|e| e.extn_value.as_bytes());
    let key_id = key_id.and_then(|value| value.get(2..)).unwrap_or(&[]).to_vec();
    finish(c, &template, key, Some((Issuer { name, key_id }, &signer)))
}

pub(super) fn custom<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>]) -> Out<'a> {
    custom_with(c, a, |pem| Key::from_pem(pem).map_err(|e| format!("error parsing private key: {e}")))
}

/// As Sprig 2.22 had it: the key is an RSA key.
pub(crate) fn custom_rsa<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>]) -> Out<'a> {
    custom_with(c, a, |pem| rsa_from_pem(pem, "decodedKey"))
}

fn custom_with<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>], read: impl Fn(&[u8]) -> Result<Key, String>) -> Out<'a> {
    let cert = base::decode64(bytes(a, 0)).map_err(|_| Error::new("unable to decode base64 certificate"))?;
    let key = base::decode64(bytes(a, 1)).map_err(|_| Error::new("unable to decode base64 private key"))?;
    let Some((_, der)) = first_pem(&cert) else { return Err(Error::new("unable to decode certificate")) };
    Parsed::from_der(&der).map_err(|e| Error::new(format!("error parsing certificate: decodedCert.Bytes: {e}")))?;
    read(&key).map_err(Error::new)?;
    Ok(c.arena.object(Certificate { cert: c.arena.bytes(cert), key: c.arena.bytes(key) }))
}

/// The key given as PEM at a position, or a new one.
fn take_key<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>], at: Option<usize>) -> Result<Key, Error> {
    match at {
        Some(at) => Key::from_pem(bytes(a, at)).map_err(|e| Error::new(format!("parsing private key: {e}"))),
        None => rsa2048(&mut host(c)?.random).map_err(Error::new),
    }
}

fn template<'a>(
    c: &mut Call<'a, '_>,
    a: &[Value<'a>],
    names: Option<(Value<'a>, Value<'a>)>,
    days: i64,
) -> Result<Template, Error> {
    let (mut addresses, mut hosts) = (Vec::new(), Vec::new());
    if let Some((ips, dns)) = names {
        for ip in list(ips) {
            let Value::Str(text) = ip else {
                let shown = String::from_utf8_lossy(&sprint(c.arena, *ip)).into_owned();
                return Err(Error::new(format!("error parsing ip: {shown} is not a string")));
            };
            let text = String::from_utf8_lossy(text);
            addresses.push(text.parse().map_err(|_| Error::new(format!("error parsing ip: {text}")))?);
        }
        for host in list(dns) {
            let Value::Str(text) = host else {
                let shown = String::from_utf8_lossy(&sprint(c.arena, *host)).into_owned();
                return Err(Error::new(format!("error processing alternate dns name: {shown} is not a string")));
            };
            hosts.push(String::from_utf8_lossy(text).into_owned());
        }
    }
    let host = host(c)?;
    let mut serial = [0; 16];
    host.random.fill_bytes(&mut serial);
    let from = host.now.within(Zone::Utc);
    let until = from.add(days.wrapping_mul(86_400_000_000_000));
    let name = String::from_utf8_lossy(bytes(a, 0)).into_owned();
    Ok(Template { serial, name, addresses, hosts, from, until, authority: false })
}

fn list<'a>(value: Value<'a>) -> &'a [Value<'a>] {
    match value {
        Value::List(list) => list.items(),
        _ => &[],
    }
}

fn finish<'a>(c: &Call<'a, '_>, template: &Template, key: &Key, signer: Option<(Issuer, &Key)>) -> Out<'a> {
    let der = certificate(template, key, signer).map_err(|e| Error::new(format!("error creating certificate: {e}")))?;
    let cert = c.arena.bytes(pem("CERTIFICATE", &der));
    Ok(c.arena.object(Certificate { cert, key: c.arena.bytes(key.pem()) }))
}

fn certificate(template: &Template, key: &Key, signer: Option<(Issuer, &Key)>) -> Result<Vec<u8>, String> {
    let subject = name(&template.name);
    let (public, public_bits) = key.public()?;
    let (issuer, authority_id, signing) = match &signer {
        None => (subject.clone(), Vec::new(), key),
        Some((issuer, signing)) => {
            let id = if issuer.name == subject { Vec::new() } else { issuer.key_id.clone() };
            (issuer.name.clone(), id, *signing)
        }
    };
    let algorithm = signing.algorithm();
    let extensions = extensions(template, &public_bits, &authority_id);
    let body = group(
        SEQUENCE,
        &[
            tlv(0xA0, &integer(&[2])),
            integer(&template.serial),
            algorithm.clone(),
            issuer,
            group(SEQUENCE, &[time(&template.from), time(&template.until)]),
            subject,
            public,
            tlv(0xA3, &group(SEQUENCE, &extensions)),
        ],
    );
    let signature = signing.sign(&body)?;
    Ok(group(SEQUENCE, &[body, algorithm, bits(0, &signature)]))
}

fn name(common: &str) -> Vec<u8> {
    if common.is_empty() {
        return tlv(SEQUENCE, &[]);
    }
    let printable = common.bytes().all(|b| b.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&b));
    let text = tlv(if printable { 0x13 } else { 0x0C }, common.as_bytes());
    let attribute = group(SEQUENCE, &[oid(&[2, 5, 4, 3]), text]);
    group(SEQUENCE, &[tlv(SET, &attribute)])
}

fn time(time: &Time) -> Vec<u8> {
    let year = time.civil().year;
    if (1950..2050).contains(&year) {
        tlv(0x17, &time.format(b"060102150405Z"))
    } else {
        tlv(0x18, &time.format(b"20060102150405Z"))
    }
}

fn extension(id: u64, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![oid(&[2, 5, 29, id])];
    if critical {
        parts.push(tlv(BOOLEAN, &[0xFF]));
    }
    parts.push(tlv(OCTETS, value));
    group(SEQUENCE, &parts)
}

fn extensions(template: &Template, public_bits: &[u8], authority_id: &[u8]) -> Vec<Vec<u8>> {
    let usage = if template.authority { bits(2, &[0xA4]) } else { bits(5, &[0xA0]) };
    let purposes = group(SEQUENCE, &[oid(&[1, 3, 6, 1, 5, 5, 7, 3, 1]), oid(&[1, 3, 6, 1, 5, 5, 7, 3, 2])]);
    let basic = if template.authority { tlv(SEQUENCE, &tlv(BOOLEAN, &[0xFF])) } else { tlv(SEQUENCE, &[]) };
    let mut out = vec![extension(15, true, &usage), extension(37, false, &purposes), extension(19, true, &basic)];
    if template.authority {
        let sum = Sha256::digest(public_bits);
        out.push(extension(14, false, &tlv(OCTETS, sum.get(..20).unwrap_or(&sum))));
    }
    if !authority_id.is_empty() {
        out.push(extension(35, false, &tlv(SEQUENCE, &tlv(0x80, authority_id))));
    }
    if !template.hosts.is_empty() || !template.addresses.is_empty() {
        let mut names: Vec<Vec<u8>> = template.hosts.iter().map(|host| tlv(0x82, host.as_bytes())).collect();
        names.extend(template.addresses.iter().map(|address| match address {
            IpAddr::V4(v4) => tlv(0x87, &v4.octets()),
            IpAddr::V6(v6) => tlv(0x87, &v6.octets()),
        }));
        out.push(extension(17, template.name.is_empty(), &group(SEQUENCE, &names)));
    }
    out
}
