internal import ApusCollections
internal import ApusIR

/// Locals are names of values. Each frame knows which of them its code has changed, so that
/// leaving it costs what was changed and not what there is.
extension FunctionTranslator {
    /// Makes room for what there is to know of `count` locals.
    mutating func reserveLocals(_ count: Int) {
        let missing = count &- locals.count
        if missing <= 0 { return }
        localTypes.append(repeating: .i32, count: missing)
        locals.append(repeating: .none, count: missing)
        lastChanges.append(repeating: -1, count: missing)
        meetings.append(repeating: LocalMeeting(), count: missing)
    }

    /// A local that the function uses begins with `value`.
    mutating func declare(_ local: Int, _ type: IRType, _ value: Value) {
        localTypes[local] = type
        locals[local] = value
        lastChanges[local] = -1
        meetings[local] = LocalMeeting()
    }

    /// Gives `local` a new value.
    @inline(__always)
    mutating func setLocal(_ local: Int, _ value: Value) {
        let before = locals[local]
        if before == value { return }
        if lastChanges[local] < frames.last.changesStart {
            localChanges.append(
                LocalChange(
                    local: UInt32(truncatingIfNeeded: local), before: before,
                    previous: lastChanges[local]))
            lastChanges[local] = Int32(truncatingIfNeeded: localChanges.count &- 1)
        }
        locals[local] = value
    }

    /// Gives all locals the values that they had before the changes from `start` on.
    mutating func undoChanges(from start: Int) {
        while localChanges.count > start {
            let change = localChanges.removeLast()
            locals[Int(change.local)] = change.before
            lastChanges[Int(change.local)] = change.previous
        }
    }

    /// The changes from `start` on become those of the frame whose changes begin at `outer`.
    mutating func keepChanges(from start: Int, outer: Int32) {
        var kept = start
        work &+= localChanges.count &- start
        for index in start..<localChanges.count {
            let change = localChanges[index]
            if change.previous >= outer {
                // The outer frame has changed it before: that change is the one to undo.
                lastChanges[Int(change.local)] = change.previous
            } else {
                localChanges[kept] = change
                lastChanges[Int(change.local)] = Int32(truncatingIfNeeded: kept)
                kept &+= 1
            }
        }
        localChanges.truncate(to: kept)
    }

    /// Notes what the locals below `end` that were changed from `start` on have become.
    mutating func carryLocals(from start: Int, below end: Int) {
        // A frame may have changed what one around it has changed too.
        let carried = carriedLocals.count
        meetingRound &+= 1
        for index in start..<localChanges.count {
            let local = localChanges[index].local
            if meetings[Int(local)].round == meetingRound || local >= end { continue }
            meetings[Int(local)].round = meetingRound
            carriedLocals.append(CarriedLocal(local: local, value: locals[Int(local)]))
        }
        let skipped = localChanges.count &- start &- (carriedLocals.count &- carried)
        work &+= skipped / Self.looksPerStep
    }
}
