//! Keys from secrets.
//!
//! RFC 5246 sections 5 and 6.3 (the pseudorandom function and the key block of TLS 1.2), RFC 8446
//! sections 7.1 to 7.3 (HKDF-Expand-Label, traffic keys and their updates).

use ring::{hkdf, hmac};

use crate::tls::hello::Random;
use crate::tls::secret::Secret;
use crate::tls::suite::{Hash, Suite};

/// The most that is derived at once: two MAC keys of SHA-384, two keys of AES-256 and two IVs.
const MAX_KEY_BLOCK: usize = 2 * (48 + 32 + 12);

/// What one direction's records are opened with.
pub(crate) struct DirectionKeys {
    pub(crate) mac: [u8; 48],
    pub(crate) key: [u8; 32],
    /// TLS 1.3 and ChaCha20: 12 bytes. GCM of TLS 1.2: 4 bytes. CBC: none.
    pub(crate) iv: [u8; 12],
}

/// The keys of one direction of TLS 1.3, from its traffic secret. `None` if the secret is not of
/// the suite.
pub(crate) fn tls13_keys(suite: &Suite, secret: &Secret) -> Option<DirectionKeys> {
    let secret = prk(suite, secret)?;
    let mut keys = DirectionKeys { mac: [0; 48], key: [0; 32], iv: [0; 12] };
    expand_label(&secret, b"key", &mut keys.key[..suite.cipher.key_length()])?;
    expand_label(&secret, b"iv", &mut keys.iv)?;
    Some(keys)
}

/// The traffic secret after a KeyUpdate.
pub(crate) fn tls13_update(suite: &Suite, secret: &Secret) -> Option<Secret> {
    let mut next = [0; 48];
    let next = &mut next[..suite.hash.length()];
    expand_label(&prk(suite, secret)?, b"traffic upd", next)?;
    Secret::new(next)
}

/// The keys of one direction of TLS 1.2, from the master secret.
pub(crate) fn tls12_keys(
    suite: &Suite,
    master: &Secret,
    client_random: &Random,
    server_random: &Random,
    from_client: bool,
) -> DirectionKeys {
    let mac = suite.mac.map_or(0, Hash::length);
    let key = suite.cipher.key_length();
    // CBC has an IV in each record.
    let iv = suite.overhead().map_or(0, |overhead| if overhead == 21 { 12 } else { 4 });
    let mut block = [0; MAX_KEY_BLOCK];
    let block = &mut block[..2 * (mac + key + iv)];
    let seed = [&b"key expansion"[..], server_random, client_random];
    prf(suite.hash, master.bytes(), &seed, block);
    let mut rest = &*block;
    let mut keys = DirectionKeys { mac: [0; 48], key: [0; 32], iv: [0; 12] };
    for destination in [&mut keys.mac[..mac], &mut keys.key[..key], &mut keys.iv[..iv]] {
        let (client, others) = rest.split_at(destination.len());
        let (server, others) = others.split_at(destination.len());
        destination.copy_from_slice(if from_client { client } else { server });
        rest = others;
    }
    keys
}

/// Fills `output` by the pseudorandom function of TLS 1.2; `seed` are the label and the seed.
pub(crate) fn prf(hash: Hash, secret: &[u8], seed: &[&[u8]], output: &mut [u8]) {
    let algorithm = match hash {
        Hash::Sha384 => hmac::HMAC_SHA384,
        _ => hmac::HMAC_SHA256,
    };
    let key = hmac::Key::new(algorithm, secret);
    let sign = |parts: &[&[u8]]| {
        let mut context = hmac::Context::with_key(&key);
        for part in parts {
            context.update(part);
        }
        context.sign()
    };
    let mut a = sign(seed);
    for chunk in output.chunks_mut(hash.length()) {
        let mut context = hmac::Context::with_key(&key);
        context.update(a.as_ref());
        for part in seed {
            context.update(part);
        }
        chunk.copy_from_slice(&context.sign().as_ref()[..chunk.len()]);
        a = sign(&[a.as_ref()]);
    }
}

/// A traffic secret as the key that HKDF expands.
fn prk(suite: &Suite, secret: &Secret) -> Option<hkdf::Prk> {
    let algorithm = match suite.hash {
        Hash::Sha384 => hkdf::HKDF_SHA384,
        _ => hkdf::HKDF_SHA256,
    };
    let secret = secret.bytes();
    (secret.len() == suite.hash.length()).then(|| hkdf::Prk::new_less_safe(algorithm, secret))
}

/// HKDF-Expand-Label without a context.
fn expand_label(secret: &hkdf::Prk, label: &[u8], output: &mut [u8]) -> Option<()> {
    const PREFIX: &[u8] = b"tls13 ";
    let length = u16::try_from(output.len()).ok()?.to_be_bytes();
    let label_length = [u8::try_from(PREFIX.len() + label.len()).ok()?];
    let info = [&length[..], &label_length, PREFIX, label, &[0]];
    secret.expand(&info, Length(output.len())).ok()?.fill(output).ok()
}

/// The length of an output, as ring asks for it.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
