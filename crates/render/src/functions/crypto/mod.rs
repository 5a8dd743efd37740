//! Hashes, passwords, random texts, keys and certificates.

pub(crate) mod certificates;
mod der;
pub(crate) mod keys;

use std::fmt::Write as _;

use aes::Aes256;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use gotext::GoType::{Int, List as Items, String as Str, Uint32};
use gotext::{Call, Error, Function, GoType, Value};
use hmac::{Hmac, Mac};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::RngCore;
use sha2::Digest as _;

use super::args::{Out, bytes, fail, int, text};
use super::{f, host};
use crate::golang::base;
use crate::golang::unicode::runes;

const CERTIFICATE: GoType = GoType::Named("sprig.certificate");

pub(super) const TABLE: &[Function] = &[
    f("sha1sum", "Gives the SHA-1 sum in hexadecimal.", &[Str], None, |c, a| {
        Ok(c.arena.str(hex::encode(sha1::Sha1::digest(bytes(a, 0)))))
    }),
    f("sha256sum", "Gives the SHA-256 sum in hexadecimal.", &[Str], None, |c, a| {
        Ok(c.arena.str(hex::encode(sha2::Sha256::digest(bytes(a, 0)))))
    }),
    f("sha512sum", "Gives the SHA-512 sum in hexadecimal.", &[Str], None, |c, a| {
        Ok(c.arena.str(hex::encode(sha2::Sha512::digest(bytes(a, 0)))))
    }),
    f("adler32sum", "Gives the Adler-32 sum in decimal.", &[Str], None, |c, a| {
        Ok(c.arena.str(adler2::adler32_slice(bytes(a, 0)).to_string()))
    }),
    f("bcrypt", "Hashes a password with bcrypt.", &[Str], None, |c, a| {
        let hash = bcrypt_hash(&mut host(c)?.random, bytes(a, 0));
        Ok(c.arena.str(hash))
    }),
    f("htpasswd", "Makes a line of an htpasswd file.", &[Str, Str], None, |c, a| {
        let name = text(a, 0);
        if name.contains(':') {
            return Ok(c.arena.str(format!("invalid username: {name}")));
        }
        let hash = bcrypt_hash(&mut host(c)?.random, bytes(a, 1));
        Ok(c.arena.str([bytes(a, 0), b":", hash.as_bytes()].concat()))
    }),
    f(
        "derivePassword",
        "Derives a password by the Master Password algorithm.",
        &[Uint32, Str, Str, Str, Str],
        None,
        |c, a| Ok(c.arena.str(derive_password(int(a, 0) as u32, &text(a, 1), bytes(a, 2), bytes(a, 3), bytes(a, 4)))),
    ),
    f("encryptAES", "Encrypts a text with AES in CBC mode, in base64.", &[Str, Str], None, encrypt_aes),
    f("decryptAES", "Decrypts what `encryptAES` made.", &[Str, Str], None, decrypt_aes),
    f("randBytes", "Makes random bytes, in base64.", &[Int], None, |c, a| {
        let Some(count) = usize::try_from(int(a, 0)).ok().filter(|n| *n < 1 << 30) else {
            return fail("runtime error: makeslice: len out of range");
        };
        if !c.arena.has_room(count.saturating_mul(4)) {
            return Ok(Value::Nil);
        }
        let mut data = vec![0; count];
        host(c)?.random.fill_bytes(&mut data);
        Ok(c.arena.str(base::encode64(&data)))
    }),
    f("randAlphaNum", "Makes a random text of letters and digits.", &[Int], None, |c, a| {
        random(c, a, u8::is_ascii_alphanumeric)
    }),
    f("randAlpha", "Makes a random text of letters.", &[Int], None, |c, a| random(c, a, u8::is_ascii_alphabetic)),
    f("randNumeric", "Makes a random text of digits.", &[Int], None, |c, a| random(c, a, u8::is_ascii_digit)),
    f("randAscii", "Makes a random text of printable ASCII.", &[Int], None, |c, a| {
        random(c, a, |b| (32..127).contains(b))
    }),
    f("randInt", "Makes a random integer, from the first to below the second.", &[Int, Int], None, |c, a| {
        let (from, to) = (int(a, 0), int(a, 1));
        match u64::try_from(to.wrapping_sub(from)) {
            Ok(count) if count > 0 => Ok(Value::int(from.wrapping_add(below(&mut host(c)?.random, count) as i64))),
            _ => fail("invalid argument to Intn"),
        }
    }),
    f("shuffle", "Mixes the letters of a text.", &[Str], None, |c, a| {
        // To choose a letter takes longer than to keep it.
        if !c.arena.has_room(bytes(a, 0).len().saturating_mul(16)) {
            return Ok(Value::Nil);
        }
        let mut letters: Vec<u32> = runes(bytes(a, 0)).collect();
        let random = &mut host(c)?.random;
        for at in (1..letters.len()).rev() {
            letters.swap(at, below(random, at as u64 + 1) as usize);
        }
        let mut out = Vec::new();
        letters.into_iter().for_each(|rune| gotext::strconv::append_rune(&mut out, rune));
        Ok(c.arena.str(out))
    }),
    f("uuidv4", "Makes a random UUID.", &[], None, |c, _| {
        let mut id = [0; 16];
        host(c)?.random.fill_bytes(&mut id);
        let mut number = u128::from_be_bytes(id);
        number = number & !(0xF << 76) | 4 << 76;
        number = number & !(0b11 << 62) | 0b10 << 62;
        let digits = format!("{number:032x}");
        let mut out = String::with_capacity(36);
        for (at, digit) in digits.chars().enumerate() {
            if matches!(at, 8 | 12 | 16 | 20) {
                out.push('-');
            }
            out.push(digit);
        }
        Ok(c.arena.str(out))
    }),
    f("genPrivateKey", "Makes a private key: rsa, dsa, ecdsa or ed25519.", &[Str], None, |c, a| {
        let made = keys::generate(&mut host(c)?.random, &text(a, 0));
        Ok(c.arena.str(made))
    }),
    f("genCA", "Makes a certificate authority.", &[Str, Int], None, |c, a| certificates::authority(c, a, None)),
    f("genCAWithKey", "Makes a certificate authority with a given key.", &[Str, Int, Str], None, |c, a| {
        certificates::authority(c, a, Some(2))
    }),
    f("genSelfSignedCert", "Makes a self-signed certificate.", &[Str, Items, Items, Int], None, |c, a| {
        certificates::self_signed(c, a, None)
    }),
    f(
        "genSelfSignedCertWithKey",
        "Makes a self-signed certificate with a given key.",
        &[Str, Items, Items, Int, Str],
        None,
        |c, a| certificates::self_signed(c, a, Some(4)),
    ),
    f(
        "genSignedCert",
        "Makes a certificate signed by an authority.",
        &[Str, Items, Items, Int, CERTIFICATE],
        None,
        |c, a| certificates::signed(c, a, None),
    ),
    f(
        "genSignedCertWithKey",
        "Makes a certificate with a given key, signed by an authority.",
        &[Str, Items, Items, Int, CERTIFICATE, Str],
        None,
        |c, a| certificates::signed(c, a, Some(5)),
    ),
    f("buildCustomCert", "Makes a certificate of its parts in base64.", &[Str, Str], None, certificates::custom),
];

/// A random number below a bound, without bias.
fn below(random: &mut ChaCha20Rng, bound: u64) -> u64 {
    let reject = u64::MAX - u64::MAX % bound;
    loop {
        let number = random.next_u64();
        if number < reject {
            return number % bound;
        }
    }
}

fn random<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>], allowed: impl Fn(&u8) -> bool) -> Out<'a> {
    let letters: Vec<u8> = (0..127).filter(allowed).collect();
    // An error of the library, for a negative count, is dropped by Sprig.
    let count = usize::try_from(int(a, 0)).unwrap_or(0);
    if count > 1 << 28 {
        return fail("runtime error: makeslice: len out of range");
    }
    // To choose a letter takes longer than to keep it.
    if !c.arena.has_room(count.saturating_mul(16)) {
        return Ok(Value::Nil);
    }
    let random = &mut host(c)?.random;
    let out: Vec<u8> =
        (0..count).filter_map(|_| letters.get(below(random, letters.len() as u64) as usize).copied()).collect();
    Ok(c.arena.str(out))
}

fn bcrypt_hash(random: &mut ChaCha20Rng, password: &[u8]) -> String {
    const FAILED: &str = "failed to encrypt string with bcrypt";
    if password.len() > 72 {
        return format!("{FAILED}: bcrypt: password length exceeds 72 bytes");
    }
    let mut salt = [0; 16];
    random.fill_bytes(&mut salt);
    match bcrypt::hash_with_salt(password, 10, salt) {
        Ok(hash) => hash.format_for_version(bcrypt::Version::TwoA),
        Err(error) => format!("{FAILED}: {error}"),
    }
}

/// The password templates of the Master Password algorithm (as Sprig 3.3: `crypto.go`).
fn password_templates(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        "medium" => &["CvcnoCvc", "CvcCvcno"],
        "short" => &["Cvcn"],
        "basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        "pin" => &["nnnn"],
        _ => return None,
    })
}

fn password_letters(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

fn derive_password(counter: u32, kind: &str, password: &[u8], user: &[u8], site: &[u8]) -> String {
    const SEED: &[u8] = b"com.lyndir.masterpassword";
    let Some(templates) = password_templates(kind) else { return format!("cannot find password template {kind}") };
    let sized = |text: &[u8]| [&(text.len() as u32).to_be_bytes(), text].concat();
    let salt = [SEED, &sized(user)].concat();
    let mut key = [0; 64];
    let derived = scrypt::Params::new(15, 8, 2, 64)
        .map_err(|e| e.to_string())
        .and_then(|params| scrypt::scrypt(password, &salt, &params, &mut key).map_err(|e| e.to_string()));
    if let Err(error) = derived {
        return format!("failed to derive password: {error}");
    }
    let message = [SEED, &sized(site), &counter.to_be_bytes()].concat();
    let Ok(mut mac) = <Hmac<sha2::Sha256> as Mac>::new_from_slice(&key) else { return String::new() };
    mac.update(&message);
    let seed = mac.finalize().into_bytes();
    let number = |at: usize| usize::from(seed.get(at).copied().unwrap_or(0));
    let template = templates.get(number(0) % templates.len()).copied().unwrap_or("");
    let letters = template.bytes().enumerate().filter_map(|(at, class)| {
        let letters = password_letters(class);
        letters.get(number(at + 1) % letters.len()).map(|b| char::from(*b))
    });
    letters.collect()
}

fn aes_key(password: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    for (to, from) in key.iter_mut().zip(password) {
        *to = *from;
    }
    key
}

fn encrypt_aes<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>]) -> Out<'a> {
    let plain = bytes(a, 1);
    if plain.is_empty() {
        return Ok(Value::Str(b""));
    }
    let mut iv = [0; 16];
    host(c)?.random.fill_bytes(&mut iv);
    let padding = 16 - plain.len() % 16;
    let padded = [plain, &vec![padding as u8; padding]].concat();
    let cipher = cbc::Encryptor::<Aes256>::new(&aes_key(bytes(a, 0)).into(), &iv.into());
    let encrypted = cipher.encrypt_padded_vec_mut::<NoPadding>(&padded);
    Ok(c.arena.str(base::encode64(&[iv.as_slice(), &encrypted].concat())))
}

fn decrypt_aes<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>]) -> Out<'a> {
    if bytes(a, 1).is_empty() {
        return Ok(Value::Str(b""));
    }
    let data = base::decode64(bytes(a, 1)).map_err(Error::new)?;
    let Some((iv, body)) = data.split_first_chunk::<16>() else {
        // Go makes room for what a text without padding would hold.
        let room = bytes(a, 1).len() / 4 * 3;
        return fail(format!("runtime error: slice bounds out of range [:16] with capacity {room}"));
    };
    if body.len() % 16 != 0 {
        return fail("crypto/cipher: input not full blocks");
    }
    let cipher = cbc::Decryptor::<Aes256>::new(&aes_key(bytes(a, 0)).into(), iv.into());
    let plain = cipher.decrypt_padded_vec_mut::<NoPadding>(body).map_err(|e| Error::new(e.to_string()))?;
    let Some(padding) = plain.last() else { return fail("runtime error: index out of range [-1]") };
    let len = plain.len() as i64 - i64::from(*padding);
    match usize::try_from(len).ok().and_then(|len| plain.get(..len)) {
        Some(text) => Ok(c.arena.str(text)),
        None => {
            let mut message = String::from("runtime error: slice bounds out of range ");
            let _ = write!(message, "[:{len}]");
            fail(message)
        }
    }
}
