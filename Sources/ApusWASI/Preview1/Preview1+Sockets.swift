// sock_*: what is done with sockets that the host handed in, and those they accept.

extension Preview1 {
    /// `sock_accept`.
    func accept(
        _ memory: GuestMemory, _ descriptor: UInt32, _ flags: UInt32, descriptorAt: UInt32
    ) throws(Errno) {
        let listener = try descriptors.socket(descriptor, .sockAccept)
        // Of `fdflags` only `nonblock` means something here.
        guard flags & ~4 == 0 else { throw .inval }
        try memory.check(descriptorAt, 4)
        try descriptors.checkRoom(isHosts: true)
        let host = try letOthersIn(using: [listener]) { () throws(Errno) in
            try Syscalls.acceptConnection(listener, nonblocking: flags & 4 != 0)
        }
        let connection = Descriptor(
            resource: .hostStream(HostStream(host, .socket, isOwned: true)), type: .socketStream,
            rights: Rights.socket.subtracting(.sockAccept), inheriting: [])
        try memory.store(descriptors.insert(connection), at: descriptorAt)
    }

    /// `sock_recv`. `flags` are `riflags`: 1 to look without taking, 2 to wait until all is full.
    func receive(
        _ memory: GuestMemory, _ descriptor: UInt32, vectors: UInt32, count: UInt32,
        _ flags: UInt32, sizeAt: UInt32, flagsAt: UInt32
    ) throws(Errno) {
        let host = try descriptors.socket(descriptor, .fdRead)
        guard flags < 4 else { throw .inval }
        let vectors = try GuestVectors(memory, at: vectors, count: count)
        try memory.check(sizeAt, 4)
        try memory.check(flagsAt, 2)
        let (size, truncated) = try letOthersIn(using: [host]) { () throws(Errno) in
            try Syscalls.receive(
                host, vectors, peek: flags & 1 != 0, waitAll: flags & 2 != 0)
        }
        try finish(memory, size, at: sizeAt)
        try memory.store(UInt16(truncated ? 1 : 0), at: flagsAt)
    }

    /// `sock_send`.
    func send(
        _ memory: GuestMemory, _ descriptor: UInt32, vectors: UInt32, count: UInt32,
        _ flags: UInt32, sizeAt: UInt32
    ) throws(Errno) {
        let host = try descriptors.socket(descriptor, .fdWrite)
        guard flags == 0 else { throw .inval }
        let vectors = try GuestVectors(memory, at: vectors, count: count)
        try memory.check(sizeAt, 4)
        let size = try letOthersIn(using: [host]) { () throws(Errno) in
            try Syscalls.send(host, vectors)
        }
        try finish(memory, size, at: sizeAt)
    }

    /// `sock_shutdown`. `how` are `sdflags`: 1 for receiving, 2 for sending.
    func shutDown(_ descriptor: UInt32, _ how: UInt32) throws(Errno) {
        let host = try descriptors.socket(descriptor, .sockShutdown)
        guard (1...3).contains(how) else { throw .inval }
        try Syscalls.shutDown(host, reading: how & 1 != 0, writing: how & 2 != 0)
    }
}
