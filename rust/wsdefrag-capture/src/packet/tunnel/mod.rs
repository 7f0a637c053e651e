//! Tunnels: a file for each family, with the document that it follows.
//!
//! `ip_protocol` chooses by the number in the IP header, and `udp` by port. Each function removes one
//! tunnel header; `reader` counts how many are nested.

pub mod capwap;
pub mod geneve;
pub mod gre;
pub mod gtp;
pub mod guess;
pub mod ip_protocol;
pub mod l2tp;
pub mod tzsp;
pub mod udp;
pub mod udp_tunnel;
pub mod vxlan;
