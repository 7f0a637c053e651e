//! Describes the problems of a connection in sentences: gaps, broken rules, a wrong accept key.

use crate::connection::{Connection, MAX_PROBLEMS};

/// Adds a sentence for each problem of a connection that has ended.
pub(crate) fn add_problems(connection: &mut Connection) {
    let mut problems = std::mem::take(&mut connection.problems);
    if connection.midstream {
        problems.push("the handshake was not captured whole".to_owned());
    }
    if connection.accept_key_ok == Some(false) {
        problems.push("the accept key is wrong (RFC 6455 section 4.2.2)".to_owned());
    }
    for (name, account) in
        [("client", &connection.from_client), ("server", &connection.from_server)]
    {
        if let Some(error) = &account.violation {
            problems.push(format!("{name}: {error}"));
        }
        if account.missing > 0 {
            let (missing, gaps) = (account.missing, account.gaps);
            problems.push(format!("{name}: {missing} bytes in {gaps} gaps were not captured"));
        }
        if account.lost > 0 {
            let lost = account.lost;
            problems.push(format!("{name}: {lost} bytes could not be assigned to frames"));
        }
        if account.overlaps > 0 {
            let overlaps = account.overlaps;
            problems.push(format!("{name}: {overlaps} retransmissions differ from the original"));
        }
    }
    problems.truncate(MAX_PROBLEMS);
    connection.problems = problems;
}
