/// A function of preview 1: its name, its parameters, and what it does. All but `proc_exit` have
/// one result, the error number.
struct Preview1Function: Sendable {
    typealias Body =
        @Sendable (Preview1, GuestMemory, CallArguments) throws(Errno) -> Void

    let name: StaticString
    /// One letter for each parameter: `i` an i32, `I` an i64.
    let parameters: StaticString
    let price: CallPrice
    let body: Body

    fileprivate init(
        _ name: StaticString, _ parameters: StaticString, _ price: CallPrice = .call,
        _ body: @escaping Body
    ) {
        self.name = name
        self.parameters = parameters
        self.price = price
        self.body = body
    }

    /// What guests of asynchronous calls wait for without a thread.
    enum Suspension {
        /// What they name: clocks and descriptors.
        case poll
        /// Others who have something to do.
        case yield
        /// One descriptor, which has to be ready.
        case transfer
    }

    /// How guests of asynchronous calls wait for it; nil: it ends without delay.
    var suspension: Suspension? {
        switch name.description {
        case "poll_oneoff": .poll
        case "sched_yield": .yield
        case "fd_read", "fd_write", "sock_recv", "sock_send", "sock_accept": .transfer
        default: nil
        }
    }

    /// Whether it waits until there is room, and not until something comes.
    var isWriting: Bool { ["fd_write", "sock_send"].contains(name.description) }

    /// `proc_exit` does not return, so it has no result.
    var hasResult: Bool { name.description != "proc_exit" }
}

private typealias Row = Preview1Function

extension Preview1Function {
    /// Every function of `wasi_snapshot_preview1`. Those of `wasi_unstable` have the same names and
    /// parameters; the call's snapshot tells which layouts apply.
    static let table: [Preview1Function] = process + descriptors + paths + sockets

    private static let process: [Preview1Function] = [
        Row("args_get", "ii") { world, memory, call throws(Errno) in
            world.work.bytes += UInt64(world.arguments.bytes.count)
            try world.arguments.store(memory, pointersAt: call[0], bytesAt: call[1])
        },
        Row("args_sizes_get", "ii") { world, memory, call throws(Errno) in
            try world.arguments.storeSizes(memory, countAt: call[0], bytesAt: call[1])
        },
        Row("environ_get", "ii") { world, memory, call throws(Errno) in
            world.work.bytes += UInt64(world.environment.bytes.count)
            try world.environment.store(memory, pointersAt: call[0], bytesAt: call[1])
        },
        Row("environ_sizes_get", "ii") { world, memory, call throws(Errno) in
            try world.environment.storeSizes(memory, countAt: call[0], bytesAt: call[1])
        },
        Row("clock_res_get", "ii") { world, memory, call throws(Errno) in
            try world.resolution(memory, call[0], to: call[1])
        },
        Row("clock_time_get", "iIi") { world, memory, call throws(Errno) in
            try world.time(memory, call[0], to: call[2])
        },
        Row("poll_oneoff", "iiii", .subscriptions(2)) { world, memory, call throws(Errno) in
            try world.poll(
                memory, call.snapshot, subscriptions: call[0], events: call[1], count: call[2],
                readyAt: call[3])
        },
        // Whoever makes the call ends it before this.
        Row("proc_exit", "i") { _, _, _ throws(Errno) in throw .canceled },
        Row("proc_raise", "i") { _, _, _ throws(Errno) in throw .notsup },
        Row("sched_yield", "") { _, _, _ throws(Errno) in Syscalls.yieldProcessor() },
        Row("random_get", "ii", .random(1)) { world, memory, call throws(Errno) in
            try world.randomBytes(memory, at: call[0], call[1])
        },
    ]

    private static let descriptors: [Preview1Function] = [
        Row("fd_advise", "iIIi") { world, _, call throws(Errno) in
            try world.advise(call[0], call[wide: 1], call[wide: 2], call[3])
        },
        Row("fd_allocate", "iII", .files()) { world, _, call throws(Errno) in
            try world.allocate(call[0], call[wide: 1], call[wide: 2])
        },
        Row("fd_close", "i") { world, _, call throws(Errno) in
            try world.descriptors.close(call[0])
        },
        Row("fd_datasync", "i", .disk) { world, _, call throws(Errno) in
            try world.synchronize(call[0], dataOnly: true)
        },
        Row("fd_fdstat_get", "ii") { world, memory, call throws(Errno) in
            try world.descriptorStatus(memory, call[0], to: call[1])
        },
        Row("fd_fdstat_set_flags", "ii") { world, _, call throws(Errno) in
            try world.setFlags(call[0], call[1])
        },
        Row("fd_fdstat_set_rights", "iII") { world, _, call throws(Errno) in
            try world.descriptors.restrict(
                call[0], to: Rights(rawValue: call[wide: 1]),
                inheriting: Rights(rawValue: call[wide: 2]))
        },
        Row("fd_filestat_get", "ii") { world, memory, call throws(Errno) in
            try world.fileStatus(memory, call.snapshot, call[0], to: call[1])
        },
        Row("fd_filestat_set_size", "iI", .files()) { world, _, call throws(Errno) in
            try world.setSize(call[0], call[wide: 1])
        },
        Row("fd_filestat_set_times", "iIIi", .files()) { world, _, call throws(Errno) in
            try world.setTimes(call[0], call[wide: 1], call[wide: 2], call[3])
        },
        Row("fd_pread", "iiiIi", .pieces(2)) { world, memory, call throws(Errno) in
            try world.read(
                memory, call[0], vectors: call[1], count: call[2], at: call[wide: 3],
                sizeAt: call[4])
        },
        Row("fd_prestat_get", "ii") { world, memory, call throws(Errno) in
            try world.preopen(memory, call[0], to: call[1])
        },
        Row("fd_prestat_dir_name", "iii") { world, memory, call throws(Errno) in
            try world.preopenName(memory, call[0], to: call[1], call[2])
        },
        Row("fd_pwrite", "iiiIi", .pieces(2)) { world, memory, call throws(Errno) in
            try world.write(
                memory, call[0], vectors: call[1], count: call[2], at: call[wide: 3],
                sizeAt: call[4])
        },
        Row("fd_read", "iiii", .pieces(2)) { world, memory, call throws(Errno) in
            try world.read(memory, call[0], vectors: call[1], count: call[2], sizeAt: call[3])
        },
        Row("fd_readdir", "iiiIi", .files()) { world, memory, call throws(Errno) in
            try world.readDirectory(
                memory, call[0], buffer: call[1], call[2], cookie: call[wide: 3], usedAt: call[4])
        },
        Row("fd_renumber", "ii") { world, _, call throws(Errno) in
            try world.descriptors.renumber(call[0], to: call[1])
        },
        Row("fd_seek", "iIii") { world, memory, call throws(Errno) in
            try world.seek(
                memory, call.snapshot, call[0], Int64(bitPattern: call[wide: 1]), call[2],
                positionAt: call[3])
        },
        Row("fd_sync", "i", .disk) { world, _, call throws(Errno) in
            try world.synchronize(call[0], dataOnly: false)
        },
        Row("fd_tell", "ii") { world, memory, call throws(Errno) in
            try world.tell(memory, call[0], positionAt: call[1])
        },
        Row("fd_write", "iiii", .pieces(2)) { world, memory, call throws(Errno) in
            try world.write(memory, call[0], vectors: call[1], count: call[2], sizeAt: call[3])
        },
    ]

    private static let paths: [Preview1Function] = [
        Row("path_create_directory", "iii", .files([2])) { world, memory, call throws(Errno) in
            try world.createDirectory(call[0], Path(memory, at: call[1], count: call[2]))
        },
        Row("path_filestat_get", "iiiii", .files([3])) { world, memory, call throws(Errno) in
            try world.fileStatus(
                memory, call.snapshot, call[0], lookup: call[1],
                Path(memory, at: call[2], count: call[3]), to: call[4])
        },
        Row("path_filestat_set_times", "iiiiIIi", .files([3])) {
            world, memory, call throws(Errno) in
            try world.setTimes(
                call[0], lookup: call[1], Path(memory, at: call[2], count: call[3]),
                call[wide: 4], call[wide: 5], call[6])
        },
        Row("path_link", "iiiiiii", .files([3, 6])) { world, memory, call throws(Errno) in
            try world.link(
                call[0], lookup: call[1], Path(memory, at: call[2], count: call[3]),
                to: call[4], Path(memory, at: call[5], count: call[6]))
        },
        Row("path_open", "iiiiiIIii", .files([3])) { world, memory, call throws(Errno) in
            let opening = Preview1.Opening(
                lookup: call[1], flags: call[4], rights: Rights(rawValue: call[wide: 5]),
                inheriting: Rights(rawValue: call[wide: 6]), descriptorFlags: call[7])
            try world.open(
                memory, call[0], Path(memory, at: call[2], count: call[3]), opening,
                descriptorAt: call[8])
        },
        Row("path_readlink", "iiiiii", .files([2])) { world, memory, call throws(Errno) in
            try world.readLink(
                memory, call[0], Path(memory, at: call[1], count: call[2]), buffer: call[3],
                call[4], usedAt: call[5])
        },
        Row("path_remove_directory", "iii", .files([2])) { world, memory, call throws(Errno) in
            try world.removeDirectory(call[0], Path(memory, at: call[1], count: call[2]))
        },
        Row("path_rename", "iiiiii", .files([2, 5])) { world, memory, call throws(Errno) in
            try world.rename(
                call[0], Path(memory, at: call[1], count: call[2]),
                to: call[3], Path(memory, at: call[4], count: call[5]))
        },
        Row("path_symlink", "iiiii", .files([1, 4])) { world, memory, call throws(Errno) in
            try world.symbolicLink(
                to: Path(memory, at: call[0], count: call[1]),
                call[2], Path(memory, at: call[3], count: call[4]))
        },
        Row("path_unlink_file", "iii", .files([2])) { world, memory, call throws(Errno) in
            try world.unlinkFile(call[0], Path(memory, at: call[1], count: call[2]))
        },
    ]

    private static let sockets: [Preview1Function] = [
        Row("sock_accept", "iii", .files()) { world, memory, call throws(Errno) in
            try world.accept(memory, call[0], call[1], descriptorAt: call[2])
        },
        Row("sock_recv", "iiiiii", .pieces(2)) { world, memory, call throws(Errno) in
            try world.receive(
                memory, call[0], vectors: call[1], count: call[2], call[3], sizeAt: call[4],
                flagsAt: call[5])
        },
        Row("sock_send", "iiiii", .pieces(2)) { world, memory, call throws(Errno) in
            try world.send(
                memory, call[0], vectors: call[1], count: call[2], call[3], sizeAt: call[4])
        },
        Row("sock_shutdown", "ii") { world, _, call throws(Errno) in
            try world.shutDown(call[0], call[1])
        },
    ]
}
