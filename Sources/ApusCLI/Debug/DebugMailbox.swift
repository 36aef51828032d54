internal import Apus
internal import ApusLocks

/// What a thread of the guest that is stopped is to do, until it is told to go on.
final class DebugMailbox: Sendable {
    enum Order: Sendable {
        /// Answer a request.
        case answer(DebugRequest)
        /// Go on, as the client wants of this thread, or because all do.
        case go(Debugger.Resumption, isChosen: Bool)
    }

    private let orders = SystemMutex<[Order]>([])
    /// There is a byte in it for each order.
    private let pipe: (read: Int32, write: Int32)

    /// Nil if the system has no pipe.
    init?() {
        guard let pipe = HostProcess.pipe() else { return nil }
        self.pipe = pipe
    }

    deinit {
        HostProcess.close(pipe.read)
        HostProcess.close(pipe.write)
    }

    func add(_ order: Order) {
        orders.withLock { $0.append(order) }
        HostProcess.write([0], to: pipe.write)
    }

    /// The next order, which is waited for. Nil if the system does not let that happen.
    func next() -> Order? {
        guard HostProcess.read(pipe.read, upTo: 1)?.isEmpty == false else { return nil }
        return orders.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }
}
