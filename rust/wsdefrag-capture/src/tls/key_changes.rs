//! What the handshake messages of one direction change: what was negotiated, and the keys of the records
//! that follow.
//!
//! ```text
//! TLS 1.3   ServerHello, EndOfEarlyData and Finished lead to the next epoch, KeyUpdate to the next
//!           generation of keys; each at the end of a record
//! TLS 1.2   keys change at a ChangeCipherSpec, which is a record by itself
//! ```
//!
//! RFC 8446 sections 4 and 5.1, RFC 5246 section 7.

use crate::tls::handshake::{MessageType, tls12_ticket};
use crate::tls::key_search::Epoch;
use crate::tls::messages::Message;
use crate::tls::negotiation::{EarlyData, Negotiation};
use crate::tls::record_reader::RecordReader;

/// Takes a handshake message of a sender, whose records `reader` opens.
pub(super) fn take_message(
    message: &Message<'_>,
    sender: usize,
    reader: &mut RecordReader,
    negotiation: &mut Negotiation,
) {
    let is_tls13 = negotiation.is_tls13();
    match message.message_type {
        MessageType::ClientHello => {
            negotiation.client_hello(sender, message.body);
            if reader.epoch == Epoch::Early {
                reader.begin(Epoch::Plain);
            }
        }
        MessageType::ServerHello => {
            let round = negotiation.round;
            negotiation.server_hello(sender, message.body);
            if negotiation.is_tls13() && negotiation.round > round {
                reader.begin(Epoch::Handshake);
            }
        }
        MessageType::EncryptedExtensions if is_tls13 => {
            negotiation.encrypted_extensions(message.body);
        }
        MessageType::EndOfEarlyData if reader.epoch == Epoch::Early => {
            if negotiation.early != EarlyData::Refused {
                negotiation.decide_early(true);
            }
            reader.begin(Epoch::Handshake);
        }
        MessageType::Finished if is_tls13 && reader.epoch == Epoch::Handshake => {
            // Only early data that were accepted have an end.
            let is_client = negotiation.is_client(sender) == Some(true);
            if is_client && negotiation.early == EarlyData::Undecided {
                negotiation.decide_early(false);
            }
            reader.begin(Epoch::Application);
        }
        MessageType::KeyUpdate if is_tls13 => {
            negotiation.facts.key_updates += 1;
            reader.update_keys();
        }
        MessageType::NewSessionTicket if !is_tls13 => {
            negotiation.ticket(tls12_ticket(message.body).unwrap_or_default());
        }
        MessageType::Certificate
        | MessageType::ServerHelloDone
        | MessageType::ClientKeyExchange => negotiation.note_full_handshake(),
        _ => {}
    }
}
