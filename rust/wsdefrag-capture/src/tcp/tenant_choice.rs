//! Which of several connections with equal addresses and ports a segment is given to (see
//! [`tenants`](crate::tcp::tenants)).

use crate::packet::Segment;
use crate::tcp::connections::{Connections, Route};
use crate::tcp::key::Key;
use crate::tcp::tenants::Fit;

impl Connections {
    /// Gives a segment to one of the connections with its addresses and ports, or to none: sets the key
    /// and the tenant. Returns `false` if it is not part of any and opens none.
    #[cold]
    pub(super) fn choose_tenant(&mut self, route: &mut Route<'_>, segment: &Segment<'_>) -> bool {
        let first = route.key;
        let mut best = None;
        for key in std::iter::once(first).chain(self.tenants.others(&first)) {
            let Some(index) = self.table.find(&key) else { continue };
            let Some(entry) = self.table.get(index) else { continue };
            let fit = entry.fit(route.sender, segment, route.packet.tags.hash);
            if best.is_none_or(|(best, _)| fit < best) {
                best = Some((fit, key));
            }
        }
        match best {
            Some((Fit::Conflicts, _)) => {
                let has_payload = !segment.bytes.is_empty() || segment.cut > 0;
                if !segment.syn && (!has_payload || segment.rst) {
                    return false;
                }
                let is_used = |key: &Key| self.table.find(key).is_some();
                let added = is_used(&first).then(|| self.tenants.add(first, is_used));
                if let Some(Some(key)) = added {
                    (route.key, route.tenant) = (key, route.packet.tags.hash);
                }
            }
            Some((_, key)) => route.key = key,
            None => {}
        }
        true
    }
}
