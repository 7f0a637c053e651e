//! The opening handshake over HTTP/1.1: heads in, answers out.
//!
//! ```text
//! list         comma-separated lists with quoted strings
//! fields       the fields of a head
//! head         parses a complete head; the one parser of captures, endpoints and bystanders
//! fault        what is wrong with a head, and what a server answers to it
//! faults       which faults end a handshake, and how often others were met
//! incoming     buffers a head, and checks its lines as they arrive
//! side         what one side sends, up to the end of its head
//! request, response   the rules of a request and of a response
//! writer       writes heads
//! server, client, tap   the two endpoints, and a bystander
//! ```
//!
//! RFC 6455 section 4; RFC 9110; RFC 9112.

pub mod accept_key;
pub mod client;
pub mod fault;
mod faults;
pub mod fields;
pub mod head;
mod incoming;
mod line;
pub mod list;
pub mod request;
pub mod response;
pub mod server;
mod side;
pub mod tap;
pub mod writer;
