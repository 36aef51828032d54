internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Labels that are further down than the branches to them.
extension FunctionTranslator {
    /// Makes an edge from the block at hand to the label of the frame at `index`, with the values
    /// on top of the stack. The branch that takes it comes next.
    mutating func makePendingEdge(to index: Int) -> Edge {
        let edge = builder.function.makeEdge(from: block, to: .none, argumentCount: 0)
        addPending(edge, to: index)
        return edge
    }

    /// Lets `edge`, which is there already, lead to the label of the frame at `index`.
    mutating func addPending(_ edge: Edge, to index: Int) {
        let arity = frames[index].labelArity
        let values = carriedValues.count
        for place in (stack.count &- arity)..<stack.count { carriedValues.append(stack[place]) }
        let localsStart = carriedLocals.count
        // A callee's locals end with it.
        if frames[index].kind != .inlined {
            carryLocals(from: Int(frames[index].changesStart), below: localEnd(atFrame: index))
        }
        pending.append(
            PendingEdge(
                edge: edge, previous: frames[index].branches.last,
                values: UInt32(truncatingIfNeeded: values),
                localsStart: UInt32(truncatingIfNeeded: localsStart),
                localsCount: UInt32(truncatingIfNeeded: carriedLocals.count &- localsStart),
                state: builder.state))
        frames[index].branches.last = Int32(truncatingIfNeeded: pending.count &- 1)
        frames[index].branches.count &+= 1
    }

    /// Goes on at the label of `frame`, which is closed already: nothing of its code is left on
    /// the stack or among the changes of locals. Some branch leads there.
    mutating func openLabel(_ frame: TranslationFrame) {
        if comesFromColdCode(frame) { isCold = true }
        openBlock(dominatedBy: dominator(of: frame))
        isReachable = true
        mergeStates(frame)
        let resultCount = Int(frame.signature.resultCount)
        if frame.branches.count == 1 {
            builder.learn(along: pending[Int(frame.branches.last)].edge)
            takeOnly(pending[Int(frame.branches.last)], resultCount)
        } else {
            meetLocals(frame)
            passResults(frame, resultCount)
            passLocals(frame)
        }
        var place = frame.branches.last
        while place >= 0 {
            builder.function.edges[pending[Int(place)].edge.index].target = block
            place = pending[Int(place)].previous
        }
    }

    /// Whether every branch to the label is in code that hardly ever runs, as what catches
    /// exceptions is.
    private mutating func comesFromColdCode(_ frame: TranslationFrame) -> Bool {
        var place = frame.branches.last
        while place >= 0 {
            let source = source(of: pending[Int(place)])
            if !builder.function[source].isCold { return false }
            place = pending[Int(place)].previous
        }
        return true
    }

    /// The nearest block that every branch to the label comes through.
    private mutating func dominator(of frame: TranslationFrame) -> Block {
        var dominator = source(of: pending[Int(frame.branches.last)])
        var place = pending[Int(frame.branches.last)].previous
        while place >= 0 {
            dominator = builder.dominator(of: dominator, source(of: pending[Int(place)]))
            place = pending[Int(place)].previous
        }
        return dominator
    }

    private mutating func source(of edge: PendingEdge) -> Block {
        builder.function[edge.edge].source
    }

    private mutating func mergeStates(_ frame: TranslationFrame) {
        builder.state = pending[Int(frame.branches.last)].state
        var place = pending[Int(frame.branches.last)].previous
        while place >= 0 {
            builder.merge(pending[Int(place)].state)
            place = pending[Int(place)].previous
        }
    }

    /// With one way in, everything is as it was where it came from.
    private mutating func takeOnly(_ edge: PendingEdge, _ resultCount: Int) {
        for result in 0..<resultCount { push(carriedValues[Int(edge.values) &+ result]) }
        for place in Int(edge.localsStart)..<Int(edge.localsStart &+ edge.localsCount) {
            let carried = carriedLocals[place]
            setLocal(Int(carried.local), carried.value)
        }
    }

    /// Finds out which locals arrive with different values, into `meetingLocals`; those that
    /// arrive with one value get it.
    private mutating func meetLocals(_ frame: TranslationFrame) {
        meetingRound &+= 1
        meetingLocals.removeAll()
        var place = frame.branches.last
        while place >= 0 {
            let edge = pending[Int(place)]
            for index in Int(edge.localsStart)..<Int(edge.localsStart &+ edge.localsCount) {
                meet(carriedLocals[index])
            }
            place = edge.previous
        }
        var kept = 0
        for index in 0..<meetingLocals.count {
            let local = Int(meetingLocals[index])
            let meeting = meetings[local]
            let isUnchangedSomewhere = meeting.count < frame.branches.count
            if meeting.differs || (isUnchangedSomewhere && meeting.value != locals[local]) {
                meetingLocals[kept] = UInt32(truncatingIfNeeded: local)
                kept &+= 1
            } else {
                setLocal(local, meeting.value)
            }
        }
        meetingLocals.truncate(to: kept)
    }

    @inline(__always)
    private mutating func meet(_ carried: CarriedLocal) {
        let local = Int(carried.local)
        if meetings[local].round != meetingRound {
            meetings[local] = LocalMeeting(
                round: meetingRound, count: 1, value: carried.value, differs: false)
            meetingLocals.append(carried.local)
        } else {
            meetings[local].count &+= 1
            if meetings[local].value != carried.value { meetings[local].differs = true }
        }
    }

    /// Pushes the label's values: parameters where they differ. Arguments are passed later, with
    /// those for locals; so each parameter's place is noted by its order.
    private mutating func passResults(_ frame: TranslationFrame, _ resultCount: Int) {
        for result in 0..<resultCount {
            let first = carriedValues[Int(pending[Int(frame.branches.last)].values) &+ result]
            if hasOneValue(frame, result, first) {
                push(first)
            } else {
                push(builder.appendParameter(builder.function.type(first)))
            }
        }
    }

    private mutating func hasOneValue(_ frame: TranslationFrame, _ result: Int, _ first: Value)
        -> Bool
    {
        var place = frame.branches.last
        while place >= 0 {
            let edge = pending[Int(place)]
            if carriedValues[Int(edge.values) &+ result] != first { return false }
            place = edge.previous
        }
        return true
    }

    /// Makes parameters for the locals that differ and passes all arguments.
    private mutating func passLocals(_ frame: TranslationFrame) {
        let resultCount = Int(frame.signature.resultCount)
        let start = stack.count &- resultCount
        var place = frame.branches.last
        while place >= 0 {
            let edge = pending[Int(place)]
            passArguments(of: edge, resultsStart: start, resultCount)
            place = edge.previous
        }
        for index in 0..<meetingLocals.count {
            let local = Int(meetingLocals[index])
            setLocal(local, builder.appendParameter(localTypes[local]))
        }
    }

    private mutating func passArguments(
        of edge: PendingEdge, resultsStart: Int, _ resultCount: Int
    ) {
        let start = builder.function.pool.count
        for result in 0..<resultCount {
            let arrived = stack[resultsStart &+ result]
            let carried = carriedValues[Int(edge.values) &+ result]
            if isParameterHere(arrived) { builder.function.pool.append(carried.number) }
        }
        // What the edge carries, found by local.
        meetingRound &+= 1
        for index in Int(edge.localsStart)..<Int(edge.localsStart &+ edge.localsCount) {
            let carried = carriedLocals[index]
            meetings[Int(carried.local)].round = meetingRound
            meetings[Int(carried.local)].value = carried.value
        }
        for index in 0..<meetingLocals.count {
            let local = Int(meetingLocals[index])
            let meeting = meetings[local]
            let value = meeting.round == meetingRound ? meeting.value : locals[local]
            builder.function.pool.append(value.number)
        }
        builder.function.edges[edge.edge.index].argumentStart = UInt32(truncatingIfNeeded: start)
        builder.function.edges[edge.edge.index].argumentCount =
            UInt32(truncatingIfNeeded: builder.function.pool.count &- start)
    }

    /// Whether `value` is a parameter of the block that has just been opened.
    private mutating func isParameterHere(_ value: Value) -> Bool {
        let record = builder.function.blocks.last
        let place = Int(record.start) &+ Int(builder.function[value].a)
        return builder.function[value].operator == .parameter
            && place < builder.function.order.count
            && builder.function.order[place] == value
    }
}
