public import ApusCollections

/// What is known of places in code: where it can trap, where calls return to, and what catches
/// exceptions there. Written by compilers, put together when a module is linked, read for
/// backtraces.
public struct CodeSites: ~Copyable {
    /// Ascending by `codeOffset` within a function, and once linked altogether.
    public var traps: Arena<TrapSite>
    /// Likewise.
    public var calls: Arena<CallSite>
    /// Lists of each function that has any, and the handlers of these lists. Most modules have
    /// none.
    public var handlerLists = Arena<HandlerList>(capacity: 1)
    public var handlers = Arena<ExceptionHandler>(capacity: 1)
    /// Of each function, calls in whose place it has the callee's body, ascending by `start`.
    public var inlined = Arena<InlinedCall>(capacity: 1)
    /// Where each instruction is, ascending by `codeOffset`, if that is wanted.
    public var instructions = Arena<InstructionSite>(capacity: 1)
    /// Once linked, the calls that have handlers, ascending by `codeOffset`.
    public private(set) var caughtCalls = Arena<CaughtCall>(capacity: 1)

    /// Room for so many places to begin with.
    public init(traps trapCapacity: Int = 16, calls callCapacity: Int = 16) {
        traps = Arena(capacity: trapCapacity)
        calls = Arena(capacity: callCapacity)
    }

    /// Places of linked code that were read; those that catch are still to be noted.
    init(
        traps: consuming Arena<TrapSite>, calls: consuming Arena<CallSite>,
        handlerLists: consuming Arena<HandlerList>, handlers: consuming Arena<ExceptionHandler>,
        inlined: consuming Arena<InlinedCall>
    ) {
        self.traps = traps
        self.calls = calls
        self.handlerLists = handlerLists
        self.handlers = handlers
        self.inlined = inlined
    }

    /// Forgets everything; keeps the memory.
    public mutating func removeAll() {
        traps.removeAll()
        calls.removeAll()
        handlerLists.removeAll()
        handlers.removeAll()
        inlined.removeAll()
        caughtCalls.removeAll()
        instructions.removeAll()
    }

    /// Forgets what belongs to `function`, the last one, as far as it is written.
    public mutating func removeSites(of function: CompiledFunction) {
        traps.truncate(to: Int(function.trapStart))
        calls.truncate(to: Int(function.callStart))
        let lists = Int(function.handlerListStart)
        if lists < handlerLists.count { handlers.truncate(to: Int(handlerLists[lists].start)) }
        handlerLists.truncate(to: lists)
    }

    // MARK: Linking

    /// Adds what is known of the functions of a batch, whose records now start where those that
    /// are here end, and whose code starts at `codeStart`; see `rebase`.
    public mutating func append(_ batch: borrowing CodeSites, at codeStart: UInt32 = 0) {
        for place in 0..<batch.instructions.count {
            var site = batch.instructions[place]
            site.codeOffset &+= codeStart
            instructions.append(site)
        }
        let handlerStart = UInt32(truncatingIfNeeded: handlers.count)
        let listStart = handlerLists.count
        traps.append(contentsOf: batch.traps)
        calls.append(contentsOf: batch.calls)
        handlers.append(contentsOf: batch.handlers)
        handlerLists.append(contentsOf: batch.handlerLists)
        inlined.append(contentsOf: batch.inlined)
        for place in listStart..<handlerLists.count { handlerLists[place].start &+= handlerStart }
    }

    /// Makes the offsets of the places in `function` count from the image's start.
    public mutating func rebase(_ function: CompiledFunction) {
        let firstTrap = Int(function.trapStart)
        for place in firstTrap..<firstTrap + Int(function.trapCount) {
            traps[place].codeOffset &+= function.codeStart
        }
        let firstCall = Int(function.callStart)
        for place in firstCall..<firstCall + Int(function.callCount) {
            calls[place].codeOffset &+= function.codeStart
        }
        noteCaught(in: function)
    }

    /// Lists the calls of `function` that have handlers, whose offsets count from the image's
    /// start.
    mutating func noteCaught(in function: CompiledFunction) {
        let firstCall = Int(function.callStart)
        for place in firstCall..<firstCall + Int(function.callCount) {
            guard let list = calls[place].handlers else { continue }
            caughtCalls.append(
                CaughtCall(
                    codeOffset: calls[place].codeOffset, codeStart: function.codeStart,
                    firstList: function.handlerListStart, list: list))
        }
    }

    /// Notes that the last of the `functions` has bodies of callees in place of `calls`.
    public mutating func noteInlined(
        _ calls: borrowing Arena<InlinedCall>, in functions: inout Arena<CompiledFunction>
    ) {
        functions.last.inlinedCount = UInt32(truncatingIfNeeded: calls.count)
        inlined.append(contentsOf: calls)
    }

    /// Adds what is known of `function`, whose places are in `linked` and whose lists of handlers
    /// end there at `listEnd`, as if its code were at `codeStart`: its record here.
    public mutating func append(
        _ function: CompiledFunction, of linked: borrowing CodeSites, listEnd: Int,
        at codeStart: UInt32
    ) -> CompiledFunction {
        var moved = CompiledFunction(index: function.index, behind: self)
        moved.codeStart = codeStart
        moved.codeLength = function.codeLength
        moved.trapCount = function.trapCount
        moved.callCount = function.callCount
        let distance = codeStart &- function.codeStart
        let firstTrap = Int(function.trapStart)
        for place in firstTrap..<firstTrap + Int(function.trapCount) {
            var site = linked.traps[place]
            site.codeOffset &+= distance
            traps.append(site)
        }
        let firstCall = Int(function.callStart)
        for place in firstCall..<firstCall + Int(function.callCount) {
            var site = linked.calls[place]
            site.codeOffset &+= distance
            calls.append(site)
        }
        for place in Int(function.handlerListStart)..<listEnd {
            var list = linked.handlerLists[place]
            let first = Int(list.start)
            list.start = UInt32(truncatingIfNeeded: handlers.count)
            for handler in first..<first + Int(list.count) {
                handlers.append(linked.handlers[handler])
            }
            handlerLists.append(list)
        }
        moved.inlinedCount = function.inlinedCount
        let firstInlined = Int(function.inlinedStart)
        for place in firstInlined..<firstInlined + Int(function.inlinedCount) {
            inlined.append(linked.inlined[place])
        }
        return moved
    }

    // MARK: Look-up

    /// The call that returns to `codeOffset`.
    public func call(returningTo codeOffset: UInt32) -> CallSite? {
        let place = calls.partitioningIndex { $0.codeOffset >= codeOffset }
        guard place < calls.count, calls[place].codeOffset == codeOffset else { return nil }
        return calls[place]
    }

    /// The trap that a fault at `codeOffset` is.
    public func trap(at codeOffset: UInt32) -> TrapSite? {
        let place = traps.partitioningIndex { $0.codeOffset >= codeOffset }
        guard place < traps.count, traps[place].codeOffset == codeOffset else { return nil }
        return traps[place]
    }

    /// Body offset of the last place that is listed from `start` up to `codeOffset`.
    public func bodyOffset(near codeOffset: UInt32, from start: UInt32) -> UInt32? {
        let call = calls.partitioningIndex { $0.codeOffset > codeOffset } - 1
        let trap = traps.partitioningIndex { $0.codeOffset > codeOffset } - 1
        var place = start
        var found: UInt32?
        if call >= 0, calls[call].codeOffset >= place {
            place = calls[call].codeOffset
            found = calls[call].bodyOffset
        }
        // What faults where a call returns to comes after the call.
        if trap >= 0, traps[trap].codeOffset >= place { found = traps[trap].bodyOffset }
        return found
    }

    /// Where the code goes on, counted from the image's start, if the call that returns to
    /// `codeOffset` is left by an exception: at the first of its handlers that `catches` says is
    /// for it. Nil if there is none.
    @inline(__always)
    public func landing(
        ofCallReturningTo codeOffset: UInt32, _ catches: (ExceptionHandler) -> Bool
    ) -> UInt32? {
        let place = caughtCalls.partitioningIndex { $0.codeOffset >= codeOffset }
        guard place < caughtCalls.count, caughtCalls[place].codeOffset == codeOffset else {
            return nil
        }
        let call = caughtCalls[place]
        var number: UInt32? = call.list
        while let present = number {
            let list = handlerLists[Int(call.firstList) + Int(present)]
            let start = Int(list.start)
            for place in start..<start + Int(list.count) where catches(handlers[place]) {
                return call.codeStart &+ handlers[place].landingOffset
            }
            number = list.outer
        }
        return nil
    }

    /// Calls `body` with each handler of `call`, which is in `function`, innermost first.
    public func forEachHandler(
        of call: CallSite, in function: CompiledFunction, _ body: (ExceptionHandler) -> Void
    ) {
        var number = call.handlers
        while let present = number {
            let list = handlerLists[Int(function.handlerListStart) + Int(present)]
            let start = Int(list.start)
            for place in start..<start + Int(list.count) { body(handlers[place]) }
            number = list.outer
        }
    }
}
