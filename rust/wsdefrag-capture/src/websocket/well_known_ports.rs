//! What the ports of a connection say about its protocol.
//!
//! IANA, Service Name and Transport Protocol Port Number Registry.

use crate::websocket::evidence::Weight;

/// The weight of a port that WebSockets often have.
const OFTEN: Weight = 20;
/// The weight of a port that another protocol is known by.
const OTHER: Weight = -100;

/// Ports that WebSockets often have: those of HTTP and of its development servers.
const WEB: [u16; 8] = [80, 443, 3000, 5000, 8000, 8008, 8080, 8443];

/// Ports of other protocols that are common in captures.
const OTHERS: [u16; 59] = [
    // FTP, SSH, Telnet, SMTP, WHOIS, TACACS+, DNS, Gopher, Kerberos, S7, POP3, RPC, Ident, NNTP
    20, 21, 22, 23, 25, 43, 49, 53, 70, 88, 102, 110, 111, 113, 119,
    // DCE RPC, NetBIOS, IMAP, SNMP, BGP, IRC, LDAP, SMB, Modbus, RTSP, LPD, LDAPS
    135, 139, 143, 161, 179, 194, 389, 445, 502, 515, 554, 636,
    // SOCKS, Kazaa, MS SQL, Oracle, PPTP, MQTT, RTMP, Cisco SCCP, NFS, ZooKeeper, IEC 104, MySQL
    1080, 1214, 1433, 1521, 1723, 1883, 1935, 2000, 2049, 2181, 2404, 3306,
    // RDP, Diameter, OPC UA, SIP, HART-IP, PostgreSQL, AMQPS, AMQP, VNC, X11, Redis
    3389, 3868, 4840, 5060, 5094, 5432, 5671, 5672, 5900, 5901, 6000, 6379,
    // MQTT over TLS, Cassandra, Kafka, memcached, DNP3, MongoDB, EtherNet/IP, BACnet
    8883, 9042, 9092, 11211, 20000, 27017, 44818, 47808,
];

/// The weight of the ports of both ends.
pub(super) fn weight(ports: [u16; 2]) -> Weight {
    if ports.iter().any(|port| OTHERS.contains(port)) {
        OTHER
    } else if ports.iter().any(|port| WEB.contains(port)) {
        OFTEN
    } else {
        0
    }
}
