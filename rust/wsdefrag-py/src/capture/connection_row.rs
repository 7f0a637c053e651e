//! The values of a connection's line, from an object that a caller holds.

#![expect(clippy::disallowed_methods, reason = "copies of the attributes of one object")]

use std::borrow::Cow;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use wsdefrag_capture::Account;
use wsdefrag_capture::connection::Field;
use wsdefrag_capture::connection_facts::ConnectionFacts;
use wsdefrag_capture::lines::connection_row::{
    AccountRow, CloseRow, ConnectionRow, CountRow, Endpoint, TlsRow,
};
use wsdefrag_capture::tls_facts::TlsAccount;
use wsdefrag_core::Strictness;

/// What rows of other tables say of a connection.
pub(crate) fn connection_facts(connection: &Bound<'_, PyAny>) -> PyResult<ConnectionFacts> {
    let text = |name: &str| -> PyResult<Option<Box<str>>> {
        Ok(connection.getattr(name)?.extract::<Option<String>>()?.map(Into::into))
    };
    let uid = connection.getattr("uid")?.extract()?;
    Ok(ConnectionFacts { uid, host: text("host")?, path: text("path")? })
}

/// The attributes of an object.
struct Attributes<'a, 'py>(&'a Bound<'py, PyAny>);

impl<'py> Attributes<'_, 'py> {
    fn get<T>(&self, name: &str) -> PyResult<T>
    where
        T: for<'a> FromPyObject<'a, 'py, Error: Into<PyErr>>,
    {
        self.0.getattr(name)?.extract().map_err(Into::into)
    }

    fn text(&self, name: &str) -> PyResult<Cow<'static, str>> {
        self.get::<String>(name).map(Into::into)
    }

    fn optional_text(&self, name: &str) -> PyResult<Option<Cow<'static, str>>> {
        Ok(self.get::<Option<String>>(name)?.map(Into::into))
    }

    /// An attribute that is an object or `None`.
    fn object(&self, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.get(name)
    }

    fn endpoint(&self, name: &str) -> PyResult<Endpoint<'static>> {
        let (address, port): (String, u16) = self.get(name)?;
        Ok((address.into(), port))
    }

    fn optional_endpoint(&self, name: &str) -> PyResult<Option<Endpoint<'static>>> {
        let endpoint: Option<(String, u16)> = self.get(name)?;
        Ok(endpoint.map(|(address, port)| (address.into(), port)))
    }
}

/// The header fields of a request or a response.
fn headers(head: &Bound<'_, PyAny>) -> PyResult<Vec<Field>> {
    Attributes(head).get("fields")
}

fn close(close: &Bound<'_, PyAny>) -> PyResult<CloseRow<'static>> {
    let close = Attributes(close);
    Ok(CloseRow {
        from_client: close.get("from_client")?,
        code: close.get("close_code")?,
        reason: close.text("close_reason")?,
        time: close.get("timestamp_ns")?,
    })
}

fn tls(tls: &Bound<'_, PyAny>) -> PyResult<TlsRow<'static>> {
    let tls = Attributes(tls);
    Ok(TlsRow {
        status: tls.text("status")?,
        version: tls.optional_text("version")?,
        cipher: tls.optional_text("cipher")?,
        server_name: tls.optional_text("sni")?,
        alpn: tls.optional_text("alpn")?,
        resumed: tls.get("resumed")?,
        early_data: tls.get("early_data")?,
        key_updates: tls.get("key_updates")?,
        key_source: tls.optional_text("key_source")?,
        bad_tags: tls.get("bad_tags")?,
        found_by_trial: tls.get("found_by_trial")?,
    })
}

fn account(
    account: &Bound<'_, PyAny>,
    tls: Option<Bound<'_, PyAny>>,
) -> PyResult<AccountRow<'static>> {
    let account = Attributes(account);
    let mut counters = [0; Account::COUNTERS];
    for (value, (name, _)) in counters.iter_mut().zip(Account::default().counters()) {
        *value = account.get(name)?;
    }
    let counted: Bound<'_, PyDict> = account.get("tolerated")?;
    let mut tolerated = [0; Strictness::NAMES.len()];
    for (value, name) in tolerated.iter_mut().zip(Strictness::NAMES) {
        *value = counted.get_item(name)?.map_or(Ok(0), |count| count.extract())?;
    }
    let mut counts = Vec::new();
    for (key, value) in account.get::<Bound<'_, PyDict>>("counts")? {
        let ((opcode, status), (messages, bytes)): ((String, String), (u64, u64)) =
            (key.extract()?, value.extract()?);
        counts.push(CountRow { opcode: opcode.into(), status: status.into(), messages, bytes });
    }
    Ok(AccountRow {
        counters,
        tolerated,
        counts,
        violation: account.optional_text("violation")?,
        tls: tls.map(|tls| tls_account(&tls)).transpose()?,
    })
}

fn tls_account(account: &Bound<'_, PyAny>) -> PyResult<TlsAccount> {
    let account = Attributes(account);
    Ok(TlsAccount {
        application: account.get("application")?,
        overhead: account.get("overhead")?,
        handshake: account.get("handshake")?,
        undecryptable: account.get("undecryptable")?,
        missing: account.get("missing")?,
    })
}

/// The values of a connection's line.
pub(crate) fn connection_row(connection: &Bound<'_, PyAny>) -> PyResult<ConnectionRow<'static>> {
    let of = Attributes(connection);
    let (request, response) = (of.object("request")?, of.object("response")?);
    let of_tls = of.object("tls")?;
    let side = |name: &str| {
        let tls = of_tls.as_ref().map(|tls| tls.getattr(name)).transpose()?;
        account(&connection.getattr(name)?, tls)
    };
    let method = |request: &Bound<'_, PyAny>| Attributes(request).text("method");
    let status = |response: &Bound<'_, PyAny>| Attributes(response).get("status");
    let heads = |head: Option<&Bound<'_, PyAny>>| -> PyResult<_> {
        Ok(head.map(headers).transpose()?.map(Cow::Owned))
    };
    Ok(ConnectionRow {
        uid: of.get::<Vec<u8>>("uid")?.into(),
        connection: of.get("connection")?,
        stream_id: of.get("stream_id")?,
        http_version: of.text("http_version")?,
        client: of.endpoint("client_address")?,
        server: of.endpoint("server_address")?,
        original_client: of.optional_endpoint("original_client_address")?,
        original_server: of.optional_endpoint("original_server_address")?,
        method: request.as_ref().map(method).transpose()?,
        host: of.optional_text("host")?,
        path: of.optional_text("path")?,
        subprotocol: of.optional_text("subprotocol")?,
        extensions: of.optional_text("extensions")?,
        response_status: response.as_ref().map(status).transpose()?,
        request_headers: heads(request.as_ref())?,
        response_headers: heads(response.as_ref())?,
        accept_key_ok: of.get("accept_key_ok")?,
        midstream: of.get("midstream")?,
        opened: of.get("opened_ns")?,
        started: of.get("started_ns")?,
        last: of.get("last_ns")?,
        duration: of.get("duration_ns")?,
        first_packet: of.get("first_packet")?,
        last_packet: of.get("last_packet")?,
        file: of.optional_text("file")?,
        close: of.object("close")?.as_ref().map(close).transpose()?,
        ended: of.optional_text("ended")?,
        encapsulation: of.get::<Vec<String>>("encapsulation")?.into(),
        problems: of.get::<Vec<String>>("problems")?.into(),
        tls: of_tls.as_ref().map(tls).transpose()?,
        accounts: [side("from_client")?, side("from_server")?],
    })
}
