internal import Apus

/// A thread of a program that is debugged, as all others see it.
final class DebuggedThread: Sendable {
    /// What clients call it; the first thread is 1.
    let number: Int
    let name: String
    let stops: Debugger.Handle
    let end: InterruptHandle
    let mailbox: DebugMailbox

    init(
        _ number: Int, _ name: String, _ stops: Debugger.Handle, _ end: InterruptHandle,
        _ mailbox: DebugMailbox
    ) {
        self.number = number
        self.name = name
        self.stops = stops
        self.end = end
        self.mailbox = mailbox
    }
}

/// A thread of the guest, as itself sees it: its debugger, and what becomes of its stops.
final class GuestThread {
    private let program: DebuggedProgram
    private var debugger: Debugger?
    private var thread: DebuggedThread?
    /// Which of the bytes that are to be watched are watched here, by their numbers for the client.
    private var watches: [Debugger.Watch: Int] = [:]
    private var watchedVersion = 0

    /// A thread whose guest is about to run in `store`.
    init(_ program: DebuggedProgram, _ store: Store, name: String) throws {
        self.program = program
        guard let mailbox = DebugMailbox() else {
            throw DebugRequestError("the system has no pipe for a thread")
        }
        let debugger = try Debugger(store) { [unowned self] stop in try self.stopped(stop) }
        // Which ones are wanted is asked when they come.
        debugger.stopsOnExceptions = .all
        self.debugger = debugger
        thread = try program.add { number in
            DebuggedThread(number, name, debugger.handle, store.interruptHandle, mailbox)
        }
    }

    /// The thread's guest runs no more.
    func end() {
        if let thread { program.remove(thread) }
    }

    /// The guest is at a place where it may stop: how it goes on.
    private func stopped(_ stop: Debugger.Stop) throws -> Debugger.Resumption {
        guard let thread else { return .run }
        let guest = StoppedGuest(stop, of: thread.number, program)
        let reason = program.reason(of: stop, watches)
        defer { watch(guest) }
        while true {
            switch program.arrive(thread, reason) {
            case .goOn: return .proceed
            case .end: throw DebugEnd()
            case .wait(let told):
                if let told { program.tell(told, thread.number) }
                let (resumption, isChosen) = wait(guest, thread.mailbox)
                // What it has stopped for is still to be told.
                if told != nil || isChosen || reason == nil {
                    if program.isEnding { throw DebugEnd() }
                    return resumption
                }
            }
        }
    }

    /// Does what it is told, until that is to go on.
    private func wait(
        _ guest: StoppedGuest, _ mailbox: DebugMailbox
    ) -> (Debugger.Resumption, isChosen: Bool) {
        while let order = mailbox.next() {
            switch order {
            case .answer(let request): guest.answer(request)
            case .go(let resumption, let isChosen): return (resumption, isChosen)
            }
        }
        return (.run, true)
    }

    /// Watches what is to be watched now.
    private func watch(_ guest: StoppedGuest) {
        let (version, wanted) = program.watched
        guard version != watchedVersion, let debugger, let frame = guest.frames.first else {
            return
        }
        let memories = frame.frame.memories
        // A function without an instance knows no memories; another one is going to.
        if memories.isEmpty { return }
        watchedVersion = version
        watches = [:]
        debugger.stopWatching()
        for bytes in wanted where memories.indices.contains(bytes.memory) {
            let watch = try? debugger.watch(
                memories[bytes.memory], at: bytes.address, count: bytes.count)
            if let watch { watches[watch] = bytes.number }
        }
    }
}
