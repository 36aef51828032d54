internal import ArgumentParser

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Where a socket is to listen that a program gets: `127.0.0.1:8080`, `[::1]:8080`,
/// `localhost:8080`.
struct ListeningSocket: ExpressibleByArgument {
    let host: String
    let port: UInt16
    /// As it was written.
    let text: String

    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"),
            let port = UInt16(argument[argument.index(after: colon)...])
        else { return nil }
        var host = argument[..<colon]
        if host.first == "[", host.last == "]" {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        if host.isEmpty { return nil }
        self.host = String(host)
        self.port = port
        text = argument
    }

    /// Whether only programs of this machine can connect to it.
    var isLocal: Bool { ["127.0.0.1", "::1", "localhost"].contains(host) }

    /// Why there is no socket.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Opens the socket, which listens then, and says where if the command line leaves that to the
    /// system. Returns its descriptor, which the program's life needs. `option` has asked for it.
    func open(for option: String = "--tcplisten") throws -> Int32 {
        // SAFETY: hints are this function's own, texts are lent for the call; the list is freed
        // when this function ends.
        var hints = unsafe addrinfo()
        // Other names than this one are a service's to resolve, which a command that is linked
        // with all that it needs does not have.
        let host = host == "localhost" ? "127.0.0.1" : host
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV | AI_NUMERICHOST
        unsafe hints.ai_socktype = Int32(Self.streamType)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, "\(port)", &hints, &list)
        guard status == 0, let first = unsafe list else {
            // SAFETY: the system's texts stay.
            throw failure(option, unsafe String(cString: gai_strerror(status)))
        }
        defer { unsafe freeaddrinfo(list) }
        // SAFETY: the list lives until this function ends.
        let address = unsafe first.pointee
        let descriptor = unsafe socket(address.ai_family, address.ai_socktype, address.ai_protocol)
        guard descriptor >= 0 else { throw failure(option, HostProcess.reason(errno)) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var yes: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, size)
        guard unsafe bind(descriptor, address.ai_addr, address.ai_addrlen) == 0,
            listen(descriptor, SOMAXCONN) == 0
        else {
            let error = errno
            HostProcess.close(descriptor)
            throw failure(option, HostProcess.reason(error))
        }
        if port == 0 { Outcome.report("listening on \(host):\(Self.port(of: descriptor))") }
        return descriptor
    }

    private func failure(_ option: String, _ reason: String) -> Failure {
        Failure(description: "\(option) \(text): \(reason)")
    }

    /// Opens the socket for `option`, waits until somebody has connected to it, and listens no
    /// more. Returns the descriptor of the connection.
    func connection(for option: String) throws -> Int32 {
        let listening = try open(for: option)
        defer { HostProcess.close(listening) }
        var descriptor: Int32
        repeat {
            descriptor = accept(listening, nil, nil)
        } while descriptor < 0 && errno == EINTR
        guard descriptor >= 0 else { throw failure(option, HostProcess.reason(errno)) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }

    /// The port that `descriptor` listens on.
    private static func port(of descriptor: Int32) -> UInt16 {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // SAFETY: the storage is this function's own. Addresses of both kinds have their port at
        // the same place, and a storage has room for either.
        return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = unsafe getsockname(descriptor, address, &size)
            }
            return unsafe pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { address in
                UInt16(bigEndian: unsafe address.pointee.sin_port)
            }
        }
    }

    #if canImport(Glibc)
        private static var streamType: UInt32 { SOCK_STREAM.rawValue }
    #else
        private static var streamType: Int32 { SOCK_STREAM }
    #endif
}
