//! The examples of RFC 7541 appendix C, tables that lost entries, and arbitrary blocks.

use proptest::prelude::*;

use crate::http2::hpack::decoder::Decoder;
use crate::http2::hpack::error::HpackError;
use crate::http2::hpack::table::MAX_TABLE_SIZE;

/// Bytes of hexadecimal digits; spaces are ignored.
fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

/// The fields of a block, a line each; `?` stands for what is unknown.
fn lines(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<String>, HpackError> {
    let mut lines = Vec::new();
    let text = |part: Option<&[u8]>| {
        part.map_or("?".to_owned(), |part| String::from_utf8_lossy(part).into_owned())
    };
    decoder.decode(block, &mut |field| {
        lines.push(format!("{}: {}", text(field.name), text(field.value)));
    })?;
    Ok(lines)
}

/// Decodes blocks in order, each with the fields that it has to have.
fn check(decoder: &mut Decoder, blocks: &[(&str, &[&str])]) {
    for (hex, expected) in blocks {
        let found = lines(decoder, &bytes(hex)).unwrap();
        assert_eq!(found, *expected, "{hex}");
    }
}

const FIRST_REQUEST: [&str; 4] =
    [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
const SECOND_REQUEST: [&str; 5] = [
    ":method: GET",
    ":scheme: http",
    ":path: /",
    ":authority: www.example.com",
    "cache-control: no-cache",
];
const THIRD_REQUEST: [&str; 5] = [
    ":method: GET",
    ":scheme: https",
    ":path: /index.html",
    ":authority: www.example.com",
    "custom-key: custom-value",
];
const FIRST_RESPONSE: [&str; 4] = [
    ":status: 302",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:21 GMT",
    "location: https://www.example.com",
];
const SECOND_RESPONSE: [&str; 4] = [
    ":status: 307",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:21 GMT",
    "location: https://www.example.com",
];
const THIRD_RESPONSE: [&str; 6] = [
    ":status: 200",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:22 GMT",
    "location: https://www.example.com",
    "content-encoding: gzip",
    "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
];
/// A size update to 256 bytes, the size of the table in appendices C.5 and C.6.
const SIZE_256: &str = "3fe101";

#[test]
fn representations_are_decoded() {
    // Appendix C.2.
    for (block, expected) in [
        ("400a6375 73746f6d 2d6b6579 0d637573 746f6d2d 68656164 6572", "custom-key: custom-header"),
        ("040c2f73 616d706c 652f7061 7468", ":path: /sample/path"),
        ("10087061 7373776f 72640673 65637265 74", "password: secret"),
        ("82", ":method: GET"),
    ] {
        check(&mut Decoder::new(), &[(block, &[expected])]);
    }
}

#[test]
fn requests_are_decoded() {
    // Appendix C.3, and C.4 with the Huffman code.
    check(
        &mut Decoder::new(),
        &[
            ("82868441 0f777777 2e657861 6d706c65 2e636f6d", &FIRST_REQUEST),
            ("828684be 58086e6f 2d636163 6865", &SECOND_REQUEST),
            ("828785bf 400a6375 73746f6d 2d6b6579 0c637573 746f6d2d 76616c75 65", &THIRD_REQUEST),
        ],
    );
    check(
        &mut Decoder::new(),
        &[
            ("82868441 8cf1e3c2 e5f23a6b a0ab90f4 ff", &FIRST_REQUEST),
            ("828684be 5886a8eb 10649cbf", &SECOND_REQUEST),
            ("828785bf 408825a8 49e95ba9 7d7f8925 a849e95b b8e8b4bf", &THIRD_REQUEST),
        ],
    );
}

#[test]
fn responses_are_decoded_while_entries_are_evicted() {
    // Appendix C.5, and C.6 with the Huffman code.
    let first = "48033330 32580770 72697661 7465611d 4d6f6e2c 20323120 4f637420 32303133 \
        2032303a 31333a32 3120474d 546e1768 74747073 3a2f2f77 77772e65 78616d70 6c652e63 6f6d";
    let third = "88c1611d 4d6f6e2c 20323120 4f637420 32303133 2032303a 31333a32 3220474d \
        54c05a04 677a6970 7738666f 6f3d4153 444a4b48 514b425a 584f5157 454f5049 55415851 \
        57454f49 553b206d 61782d61 67653d33 3630303b 20766572 73696f6e 3d31";
    check(
        &mut Decoder::new(),
        &[
            (SIZE_256, &[]),
            (first, &FIRST_RESPONSE),
            ("48033330 37c1c0bf", &SECOND_RESPONSE),
            (third, &THIRD_RESPONSE),
        ],
    );
    let first = "48826402 5885aec3 771a4b61 96d07abe 941054d4 44a82005 95040b81 66e082a6 \
        2d1bff6e 919d29ad 171863c7 8f0b97c8 e9ae82ae 43d3";
    let third = "88c16196 d07abe94 1054d444 a8200595 040b8166 e084a62d 1bffc05a 839bd9ab \
        77ad94e7 821dd7f2 e6c7b335 dfdfcd5b 3960d5af 27087f36 72c1ab27 0fb5291f 95873160 \
        65c003ed 4ee5b106 3d5007";
    check(
        &mut Decoder::new(),
        &[
            (SIZE_256, &[]),
            (first, &FIRST_RESPONSE),
            ("4883640e ffc1c0bf", &SECOND_RESPONSE),
            (third, &THIRD_RESPONSE),
        ],
    );
}

#[test]
fn entries_after_a_loss_are_known_and_older_ones_are_not() {
    let decoder = &mut Decoder::new();
    check(decoder, &[("40016101 31", &["a: 1"]), ("40016201 32 be bf", &["b: 2", "b: 2", "a: 1"])]);
    decoder.forget();
    check(
        decoder,
        &[
            ("be", &["?: ?"]),
            // A literal value with a name that is unknown, inserted.
            ("7e 0133", &["?: 3"]),
            ("40016401 34", &["d: 4"]),
            // The newest, the one with the unknown name, and one from before the loss.
            ("be bf c0 82", &["d: 4", "?: 3", "?: ?", ":method: GET"]),
            // A known name, and an unknown one, with other values.
            ("0f 2f 0135 0f 31 0136", &["d: 5", "?: 6"]),
        ],
    );
}

#[test]
fn table_is_no_larger_than_allowed() {
    // Entries of 32 + 1 + 127 bytes.
    let insertion = bytes(&format!("400178 7f00{}", "79".repeat(127)));
    let fill = |decoder: &mut Decoder| {
        for _ in 0..2000 {
            lines(decoder, &insertion).unwrap();
        }
    };
    let has_entry = |decoder: &mut Decoder, index: u8| {
        // Indexes up to 188.
        lines(decoder, &[0xFF, index - 127])
    };
    let decoder = &mut Decoder::new();
    fill(decoder);
    // 25 entries fit in 4,096 bytes.
    assert!(lines(decoder, &[0x80 | (61 + 25)]).is_ok());
    assert_eq!(lines(decoder, &[0x80 | (61 + 26)]), Err(HpackError::Index));

    // A size that was not announced is not kept, and does not make other entries wrong.
    lines(decoder, &bytes("3fe1ff03")).unwrap();
    fill(decoder);
    assert!(decoder.bytes_held() < 3 * 4096, "{}", decoder.bytes_held());
    assert_eq!(lines(decoder, &[0x80 | (61 + 26)]), Ok(vec!["?: ?".to_owned()]));

    // An announced one is kept up to the bound.
    decoder.allow_table_size(u32::MAX);
    lines(decoder, &bytes("3fe1ffffff07")).unwrap();
    fill(decoder);
    assert!(has_entry(decoder, 187).unwrap()[0].starts_with("x: yyy"));
    assert!(decoder.bytes_held() < 3 * MAX_TABLE_SIZE, "{}", decoder.bytes_held());

    // An entry that is larger than the table empties it (RFC 7541 section 4.4).
    let decoder = &mut Decoder::new();
    check(decoder, &[("40016101 31 be", &["a: 1", "a: 1"])]);
    let large = bytes(&format!("400178 7fe11f{}", "79".repeat(4192)));
    assert!(lines(decoder, &large).is_ok());
    assert_eq!(lines(decoder, &[0xBE]), Err(HpackError::Index));
    assert_eq!(decoder.table_size(), 0);
}

#[test]
fn broken_blocks_are_errors() {
    for (block, expected) in [
        ("80", HpackError::Index),
        ("be", HpackError::Index),
        ("7e0133", HpackError::Index),
        ("40", HpackError::Truncated),
        ("4003 6162", HpackError::Truncated),
        ("4001 61", HpackError::Truncated),
        ("4001 61 82ff", HpackError::Truncated),
        ("4001 61 84ffffffff", HpackError::Huffman),
        ("ffffffffffff", HpackError::IntegerTooLarge),
        ("407f ffffffffff7f", HpackError::IntegerTooLarge),
    ] {
        assert_eq!(lines(&mut Decoder::new(), &bytes(block)), Err(expected), "{block}");
    }
}

#[test]
fn fields_before_the_cut_are_decoded() {
    let mut found = Vec::new();
    let result = Decoder::new().decode(&bytes("82 87 4003 61"), &mut |field| {
        found.push(field.value.map(<[u8]>::to_vec));
    });
    assert_eq!(result, Err(HpackError::Truncated));
    assert_eq!(found, [Some(b"GET".to_vec()), Some(b"https".to_vec())]);
}

proptest! {
    #[test]
    fn arbitrary_blocks_stay_within_the_bound(
        blocks in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..200), any::<bool>(), any::<u32>()),
            0..20,
        ),
    ) {
        let mut decoder = Decoder::new();
        for (block, forget, announced) in blocks {
            if decoder.decode(&block, &mut |_| {}).is_err() || forget {
                decoder.forget();
            } else if announced % 4 == 0 {
                decoder.allow_table_size(announced);
            }
            prop_assert!(decoder.table_size() <= MAX_TABLE_SIZE);
        }
    }
}
