//! The columns of the connections table that describe TLS. They are null where there is none.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a batch has at most `FULL_ROWS` rows"
)]

use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, UInt64Array};
use arrow_schema::DataType;

use super::choice::Column;
use super::connection_values::{Batch, optional_flag, optional_text};
use super::{dictionary, name_type, names, optional};
use crate::connection::Connection;
use crate::tls_facts::{TlsAccount, TlsFacts, TlsStatus};

static STATUS_NAMES: LazyLock<ArrayRef> =
    LazyLock::new(|| dictionary(TlsStatus::ALL.map(TlsStatus::name)));

/// A column of counts.
fn tls_count(
    name: impl Into<String>,
    of: impl Fn(&TlsFacts) -> u64 + Send + Sync + 'static,
) -> Column<Batch> {
    Column::new(optional(name, DataType::UInt64), move |batch: &mut Batch| {
        let values = batch.rows.iter().map(|row| row.tls.as_deref().map(&of));
        Arc::new(values.collect::<UInt64Array>())
    })
}

fn tls(row: &Connection) -> Option<&TlsFacts> {
    row.tls.as_deref()
}

/// What is known of a connection's TLS.
pub(super) fn facts() -> Vec<Column<Batch>> {
    vec![
        Column::new(optional("tls_status", name_type()), |batch: &mut Batch| {
            let keys = batch.rows.iter().map(|row| tls(row).map(|tls| tls.status as i8));
            names(keys.collect::<Vec<_>>(), &STATUS_NAMES)
        }),
        optional_text("tls_version", |row| tls(row)?.version_name().map(Into::into)),
        optional_text("tls_cipher", |row| tls(row)?.cipher_name().map(Into::into)),
        optional_text("sni", |row| tls(row)?.server_name.clone()),
        optional_text("alpn", |row| tls(row)?.alpn.clone()),
        optional_flag("resumed", |row| tls(row)?.resumed),
        optional_flag("early_data", |row| Some(tls(row)?.early_data)),
        tls_count("key_updates", |tls| tls.key_updates),
        optional_text("key_source", |row| tls(row)?.key_source.map(Into::into)),
        tls_count("bad_tags", |tls| tls.bad_tags),
        tls_count("found_by_trial", |tls| tls.found_by_trial),
    ]
}

/// The account of one direction's TLS.
pub(super) fn account(side: &str, from_client: bool) -> impl Iterator<Item = Column<Batch>> {
    let counters = TlsAccount::default().counters().into_iter().enumerate();
    counters.map(move |(index, (name, _))| {
        let value = move |tls: &TlsFacts| tls.account(from_client).counters()[index].1;
        tls_count(format!("{side}_tls_{name}"), value)
    })
}
