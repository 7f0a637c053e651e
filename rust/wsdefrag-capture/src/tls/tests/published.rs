//! Published values: RFC 8448 (traces of TLS 1.3), RFC 8439 (ChaCha20-Poly1305), the specification
//! of GCM, and vectors of the pseudorandom function of TLS 1.2.

use crate::tls::aead::Aead;
use crate::tls::handshake::MessageType;
use crate::tls::hello::{ClientHello, EncryptedExtensions, ServerHello, TLS13};
use crate::tls::messages::Messages;
use crate::tls::opener::Opener;
use crate::tls::record::{ContentType, HEADER, Header};
use crate::tls::schedule;
use crate::tls::secret::Secret;
use crate::tls::suite::{Cipher, Hash, Suite};
use crate::tls::testing::{CLIENT, SERVER, Sent, keys, line_of, receive};
use crate::tls::tests::{bytes, open};
use crate::tls::{partial, sequence};

// RFC 8448 section 3.
const CLIENT_HELLO: &str = "
    16030100c4010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7000006
    130113031302010000910000000b0009000006736572766572ff01000100000a00140012001d0017001800190100
    010101020103010400230000003300260024001d002099381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d
    5413691e529aaf2c002b0003020304000d0020001e04030503060302030804080508060401050106010201040205
    0206020202002d00020101001c00024001";
const SERVER_HELLO: &str = "
    160303005a020000560303a6af06a4121860dc5e6e60249cd34c95930c8ac5cb1434dac155772ed3e26928001301
    00002e00330024001d0020c9828876112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f002b00
    020304";
const CLIENT_HANDSHAKE: &str = "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21";
const SERVER_HANDSHAKE: &str = "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38";
const CLIENT_TRAFFIC: &str = "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
const SERVER_TRAFFIC: &str = "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";
const SERVER_FLIGHT: &str = "
    17030302a2d1ff334a56f5bff6594a07cc87b580233f500f45e489e7f33af35edf7869fcf40aa40aa2b8ea73f848
    a7ca07612ef9f945cb960b4068905123ea78b111b429ba9191cd05d2a389280f526134aadc7fc78c4b729df828b5
    ecf7b13bd9aefb0e57f271585b8ea9bb355c7c79020716cfb9b1183ef3ab20e37d57a6b9d7477609aee6e122a4cf
    51427325250c7d0e509289444c9b3a648f1d71035d2ed65b0e3cdd0cbae8bf2d0b227812cbb360987255cc744110
    c453baa4fcd610928d809810e4b7ed1a8fd991f06aa6248204797e36a6a73b70a2559c09ead686945ba246ab66e5
    edd8044b4c6de3fcf2a89441ac66272fd8fb330ef8190579b3684596c960bd596eea520a56a8d650f563aad27409
    960dca63d3e688611ea5e22f4415cf9538d51a200c27034272968a264ed6540c84838d89f72c24461aad6d26f59e
    caba9acbbb317b66d902f4f292a36ac1b639c637ce343117b659622245317b49eeda0c6258f100d7d961ffb13864
    7e92ea330faeea6dfa31c7a84dc3bd7e1b7a6c7178af36879018e3f252107f243d243dc7339d5684c8b0378bf302
    44da8c87c843f5e56eb4c5e8280a2b48052cf93b16499a66db7cca71e4599426f7d461e66f99882bd89fc50800be
    cca62d6c74116dbd2972fda1fa80f85df881edbe5a37668936b335583b599186dc5c6918a396fa48a181d6b6fa4f
    9d62d513afbb992f2b992f67f8afe67f76913fa388cb5630c8ca01e0c65d11c66a1e2ac4c85977b7c7a6999bbf10
    dc35ae69f5515614636c0b9b68c19ed2e31c0b3b66763038ebba42f3b38edc0399f3a9f23faa63978c317fc9fa66
    a73f60f0504de93b5b845e275592c12335ee340bbc4fddd502784016e4b3be7ef04dda49f4b440a30cb5d2af9398
    28fd4ae3794e44f94df5a631ede42c1719bfdabf0253fe5175be898e750edc53370d2b";
const CLIENT_FINISHED: &str = "
    170303003575ec4dc238cce60b298044a71e219c56cc77b0517fe9b93c7a4bfc44d87f38f80338ac98fc46deb384
    bd1caeacab6867d726c40546";
const TICKET: &str = "
    17030300de3a6b8f90414a97d6959c3487680de5134a2b240e6cffac116e95d41d6af8f6b580dcf3d11d63c758db
    289a015940252f55713e061dc13e078891a38efbcf5753ad8ef170ad3c7353d16d9da773b9ca7f2b9fa1b6c0d4a3
    d03f75e09c30ba1e62972ac46f75f7b981be63439b2999ce13064615139891d5e4c5b406f16e3fc181a77ca47584
    0025db2f0a77f81b5ab05b94c01346755f69232c86519d86cbeeac87aac347d143f9605d64f650db4d023e70e952
    ca49fe5137121c74bc2697687e248746d6df353005f3bce18696129c8153556b3b6c6779b37bf15985684f";
const CLIENT_DATA: &str = "
    1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a2044
    1e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4";
const SERVER_DATA: &str = "
    17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a
    59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d";
const CLIENT_ALERT: &str = "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3";
const SERVER_ALERT: &str = "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9";
// RFC 8448 section 4.
const EARLY_TRAFFIC: &str = "3fbbe6a60deb66c30a32795aba0eff7eaa10105586e7be5c09678d63b6caab62";
const EARLY_DATA: &str = "1703030017ab1df420e75c457a7cc5d2844f76d5aee4b4edbf049be0";

fn opener(secret: &str) -> Opener {
    let secret = Secret::new(&bytes(secret)).unwrap();
    Opener::tls13(Suite::of(0x1301).unwrap(), &secret).unwrap()
}

/// The types of the messages in the content of a record.
fn message_types(mut content: &[u8]) -> Vec<MessageType> {
    let mut messages = Messages::default();
    std::iter::from_fn(|| Some(messages.next(&mut content)?.message_type)).collect()
}

#[test]
fn hellos_of_rfc_8448_are_read() {
    let record = bytes(CLIENT_HELLO);
    let hello = ClientHello::parse(&record[HEADER + 4..]).unwrap();
    assert_eq!(hello.random[..4], [0xcb, 0x34, 0xec, 0xb1]);
    assert_eq!(hello.server_name, Some("server"));
    assert_eq!(hello.suites().collect::<Vec<_>>(), [0x1301, 0x1303, 0x1302]);
    assert!(hello.offers_tls13 && !hello.early_data);
    let record = bytes(SERVER_HELLO);
    let hello = ServerHello::parse(&record[HEADER + 4..]).unwrap();
    assert_eq!((hello.version, hello.suite), (TLS13, 0x1301));
    assert!(!hello.is_retry() && !hello.pre_shared_key);
}

#[test]
fn traffic_keys_of_rfc_8448_are_derived() {
    for (secret, key, iv) in [
        (SERVER_HANDSHAKE, "3fce516009c21727d0f2e4e86ee403bc", "5d313eb2671276ee13000b30"),
        (CLIENT_HANDSHAKE, "dbfaa693d1762c5b666af5d950258d01", "5bd3c71b836e0b76bb73265f"),
        (SERVER_TRAFFIC, "9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984"),
        (CLIENT_TRAFFIC, "17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9"),
        (EARLY_TRAFFIC, "920205a5b7bf2115e6fc5c2942834f54", "6d475f0993c8e564610db2b9"),
    ] {
        let secret = Secret::new(&bytes(secret)).unwrap();
        let keys = schedule::tls13_keys(Suite::of(0x1301).unwrap(), &secret).unwrap();
        assert_eq!(keys.key[..16], bytes(key));
        assert_eq!(keys.iv[..], bytes(iv));
    }
}

#[test]
fn records_of_rfc_8448_are_opened() {
    let data = (ContentType::ApplicationData, (0..50).collect());
    let alert = (ContentType::Alert, vec![1, 0]);
    let (client, server) = (opener(CLIENT_TRAFFIC), opener(SERVER_TRAFFIC));
    assert_eq!(open(&client, 0, &bytes(CLIENT_DATA)), Some(data.clone()));
    assert_eq!(open(&client, 1, &bytes(CLIENT_ALERT)), Some(alert.clone()));
    assert_eq!(open(&server, 1, &bytes(SERVER_DATA)), Some(data));
    assert_eq!(open(&server, 2, &bytes(SERVER_ALERT)), Some(alert));
    let early = (ContentType::ApplicationData, b"ABCDEF".to_vec());
    assert_eq!(open(&opener(EARLY_TRAFFIC), 0, &bytes(EARLY_DATA)), Some(early));
    for (secret, record, types) in [
        (
            SERVER_HANDSHAKE,
            SERVER_FLIGHT,
            &[
                MessageType::EncryptedExtensions,
                MessageType::Certificate,
                MessageType::Other(15),
                MessageType::Finished,
            ][..],
        ),
        (CLIENT_HANDSHAKE, CLIENT_FINISHED, &[MessageType::Finished]),
        (SERVER_TRAFFIC, TICKET, &[MessageType::NewSessionTicket]),
    ] {
        let (content_type, content) = open(&opener(secret), 0, &bytes(record)).unwrap();
        assert_eq!(content_type, ContentType::Handshake);
        assert_eq!(message_types(&content), types);
    }
    let flight = open(&opener(SERVER_HANDSHAKE), 0, &bytes(SERVER_FLIGHT)).unwrap().1;
    assert_eq!(
        EncryptedExtensions::parse(&flight[4..]),
        EncryptedExtensions { alpn: None, early_data: false }
    );
}

#[test]
fn a_whole_connection_of_rfc_8448_is_read() {
    let random = bytes("cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7");
    let all: String = [
        ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", CLIENT_HANDSHAKE),
        ("SERVER_HANDSHAKE_TRAFFIC_SECRET", SERVER_HANDSHAKE),
        ("CLIENT_TRAFFIC_SECRET_0", CLIENT_TRAFFIC),
        ("SERVER_TRAFFIC_SECRET_0", SERVER_TRAFFIC),
    ]
    .map(|(label, secret)| line_of(label, &random, &bytes(secret)))
    .concat();
    let records = [
        (CLIENT, CLIENT_HELLO),
        (SERVER, SERVER_HELLO),
        (SERVER, SERVER_FLIGHT),
        (CLIENT, CLIENT_FINISHED),
        (SERVER, TICKET),
        (CLIENT, CLIENT_DATA),
        (SERVER, SERVER_DATA),
        (CLIENT, CLIENT_ALERT),
        (SERVER, SERVER_ALERT),
    ];
    let sent = records.map(|(sender, record)| Sent::Bytes(sender, bytes(record)));
    let received = receive(&sent, &mut keys(&all));
    let data: Vec<u8> = (0..50).collect();
    assert_eq!(received.bytes, [data.clone(), data]);
    assert_eq!(received.gaps, [vec![], vec![]]);
    assert_eq!(received.facts.server_name.as_deref(), Some("server"));
    for account in received.accounts {
        assert_eq!((account.application, account.undecryptable), (50, 0));
    }
    // Without the start of the connection.
    let received = receive(&sent[5..], &mut keys(&all));
    assert_eq!(received.bytes.map(|bytes| bytes.len()), [50, 50]);
}

#[test]
fn sequence_numbers_of_rfc_8448_are_read_under_their_key_alone() {
    let secrets =
        [CLIENT_HANDSHAKE, SERVER_HANDSHAKE, CLIENT_TRAFFIC, SERVER_TRAFFIC, EARLY_TRAFFIC];
    for (owner, record, number) in [
        (0, CLIENT_FINISHED, 0),
        (1, SERVER_FLIGHT, 0),
        (2, CLIENT_DATA, 0),
        (2, CLIENT_ALERT, 1),
        (3, TICKET, 0),
        (3, SERVER_DATA, 1),
        (3, SERVER_ALERT, 2),
        (4, EARLY_DATA, 0),
    ] {
        let record = bytes(record);
        let header = Header::parse(&record).unwrap();
        for (index, secret) in secrets.into_iter().enumerate() {
            let read = opener(secret).read_sequence(&header, &record[HEADER..]);
            assert_eq!(read, (index == owner).then_some(number));
        }
    }
}

/// The secret after a KeyUpdate, by Python 3.11:
///
/// ```python
/// import hmac
/// label = bytes([0, 32, 17]) + b"tls13 traffic upd" + bytes([0, 1])
/// hmac.digest(bytes.fromhex(CLIENT_TRAFFIC), label, "sha256").hex()
/// ```
#[test]
fn keys_are_updated() {
    let secret = Secret::new(&bytes(CLIENT_TRAFFIC)).unwrap();
    let next = schedule::tls13_update(Suite::of(0x1301).unwrap(), &secret).unwrap();
    assert_eq!(
        next.bytes(),
        bytes("fcdfcc72725aaee48bf64e4fd8b749cdbdbab39d90da0b26e2245ca6ea167207")
    );
    let secret = Secret::new(&[7; 48]).unwrap();
    let next = schedule::tls13_update(Suite::of(0x1302).unwrap(), &secret).unwrap();
    // The same with 48, bytes([7] * 48) and "sha384".
    assert_eq!(
        next.bytes(),
        bytes(
            "76eb5e0655ece81316ee028f0064bd573f0d57551094dd89316ce1d0f194da645649f31bf6f077cbf870aa584ca16022"
        )
    );
}

#[test]
fn a_secret_of_another_length_is_refused() {
    for (number, length) in [(0x1301, 48), (0x1303, 48), (0x1302, 32)] {
        let secret = Secret::new(&vec![1; length]).unwrap();
        assert!(Opener::tls13(Suite::of(number).unwrap(), &secret).is_none());
    }
    let tls12 = Suite::of(0xc02f).unwrap();
    assert!(Opener::tls13(tls12, &Secret::new(&[1; 32]).unwrap()).is_none());
    let (master, tls13) = (Secret::new(&[1; 48]).unwrap(), Suite::of(0x1301).unwrap());
    assert!(Opener::tls12(tls13, &master, &[0; 32], &[0; 32], true, false).is_none());
}

/// <https://www.ietf.org/mail-archive/web/tls/current/msg03416.html>
#[test]
fn pseudorandom_function_of_tls12_gives_the_published_outputs() {
    for (hash, secret, seed, output) in [
        (
            Hash::Sha256,
            "9bbe436ba940f017b17652849a71db35",
            "a0ba9f936cda311827a6f796ffd5198c",
            "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e
             14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5
             a72e5a5110fff70187347b66",
        ),
        (
            Hash::Sha384,
            "b80b733d6ceefcdc71566ea48e5567df",
            "cd665cf6a8447dd6ff8b27555edb7465",
            "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b123
             3c9146a0e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd
             4abfdad05d9184259b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee691c8f3a2
             6854308d5eaa3be85e0990703d73e56f",
        ),
    ] {
        let expected = bytes(output);
        let mut output = vec![0; expected.len()];
        schedule::prf(hash, &bytes(secret), &[b"test label", &bytes(seed)], &mut output);
        assert_eq!(output, expected);
    }
}

/// A published case of an AEAD: its key, nonce and additional data, the ciphertext with the tag,
/// and the plaintext.
struct Case {
    cipher: Cipher,
    key: &'static str,
    nonce: &'static str,
    data: &'static str,
    sealed: &'static str,
    plaintext: &'static str,
}

const CASES: [Case; 4] = [
    // The specification of GCM by McGrew and Viega, test cases 4 and 16.
    Case {
        cipher: Cipher::Aes128Gcm,
        key: "feffe9928665731c6d6a8f9467308308",
        nonce: "cafebabefacedbaddecaf888",
        data: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        sealed: "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5a
                 ac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47",
        plaintext: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24
                    49a6b525b16aedf5aa0de657ba637b39",
    },
    Case {
        cipher: Cipher::Aes256Gcm,
        key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        nonce: "cafebabefacedbaddecaf888",
        data: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10
                 56828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
        plaintext: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24
                    49a6b525b16aedf5aa0de657ba637b39",
    },
    // RFC 8439 section 2.8.2.
    Case {
        cipher: Cipher::ChaCha20Poly1305,
        key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        nonce: "070000004041424344454647",
        data: "50515253c0c1c2c3c4c5c6c7",
        sealed: "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69
                 da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad67594
                 5585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
        plaintext: "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966
                    204920636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675
                    747572652c2073756e73637265656e20776f756c642062652069742e",
    },
    // RFC 8439 section A.5.
    Case {
        cipher: Cipher::ChaCha20Poly1305,
        key: "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0",
        nonce: "000000000102030405060708",
        data: "f33388860000000000004e91",
        sealed: "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e
                 382d26b0bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd
                 60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c76
                 7b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a
                 0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a67276
                 27097a1049e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b0270
                 9beead9d67890cbb22392336fea1851f38",
        plaintext: "496e7465726e65742d4472616674732061726520647261667420646f63756d656e74732076616c696420666f
                    722061206d6178696d756d206f6620736978206d6f6e74687320616e64206d61792062652075706461746564
                    2c207265706c616365642c206f72206f62736f6c65746564206279206f7468657220646f63756d656e747320
                    617420616e792074696d652e20497420697320696e617070726f70726961746520746f2075736520496e7465
                    726e65742d447261667473206173207265666572656e6365206d6174657269616c206f7220746f2063697465
                    207468656d206f74686572207468616e206173202fe2809c776f726b20696e2070726f67726573732e2fe280
                    9d",
    },
];

#[test]
fn published_ciphertexts_are_opened_and_changed_ones_are_not() {
    for case in &CASES {
        let aead = Aead::new(case.cipher, &bytes(case.key)).unwrap();
        let nonce: [u8; 12] = bytes(case.nonce).try_into().unwrap();
        let (data, sealed, plaintext) =
            (bytes(case.data), bytes(case.sealed), bytes(case.plaintext));
        let mut opened = sealed.clone();
        assert_eq!(aead.open(nonce, &data, &mut opened), Some(plaintext.len()));
        assert_eq!(opened[..plaintext.len()], plaintext);
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 0x40;
            assert_eq!(aead.open(nonce, &data, &mut changed), None);
        }
        assert_eq!(aead.open(nonce, &data[1..], &mut sealed.clone()), None);
    }
}

#[test]
fn parts_of_published_ciphertexts_are_decrypted() {
    for case in &CASES {
        let (key, nonce) = (bytes(case.key), bytes(case.nonce).try_into().unwrap());
        let (sealed, plaintext) = (bytes(case.sealed), bytes(case.plaintext));
        for start in 0..plaintext.len() {
            for end in [start, start + 1, start + 15, start + 64, plaintext.len()] {
                let end = end.min(plaintext.len());
                let mut part = sealed[start..end].to_vec();
                partial::decrypt(case.cipher, &key, &nonce, start, &mut part).unwrap();
                assert_eq!(part, plaintext[start..end]);
            }
        }
    }
}

#[test]
fn what_is_too_short_for_a_record_has_no_sequence_number() {
    let header = Header::parse(b"\x17\x03\x03\x00\x0f").unwrap();
    for length in 0..16 {
        assert_eq!(sequence::read(&[0; 16], &[0; 12], &header, &vec![0; length]), None);
    }
}
