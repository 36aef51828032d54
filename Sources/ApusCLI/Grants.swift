@_spi(ApusCLI) internal import ApusWASI

/// What a program is given of this machine.
struct Grants {
    var directories: [Preopen] = []
    var variables: [Variable] = []
    /// It gets all variables of this process, too.
    var inheritsEnvironment = false
    var sockets: [ListeningSocket] = []
}

extension WASI {
    /// Hands over what the command line grants, and what every program may have: the time and
    /// chance.
    mutating func grant(_ grants: Grants) throws {
        clock = .system
        random = .system
        for directory in grants.directories {
            preopens.append(
                Preopen(
                    guestPathBytes: HostText.bytes(directory.guest),
                    source: .hostBytes(HostText.bytes(directory.host)),
                    access: directory.isReadOnly ? .readOnly : .readWrite))
        }
        let variables = Variable.resolved(grants.variables, inheritsAll: grants.inheritsEnvironment)
        environmentBytes = variables.map { ($0.key, $0.value ?? []) }
        socketsAreShared = false
        for socket in grants.sockets { sockets.append(try socket.open()) }
    }
}
