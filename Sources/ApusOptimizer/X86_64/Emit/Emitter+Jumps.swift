internal import ApusAssembler
internal import ApusCollections

/// Jumps forward. How far they go is only known once the code between is written, so functions
/// are written twice: once with long jumps, to measure, and then with those short that can be.
extension Emitter {
    /// A jump to a label further down, as it was measured.
    struct ForwardJump: BitwiseCopyable {
        /// Where the jump ends.
        var end: UInt32
        var label: Label
        /// What may be added before it, at most.
        var slack: UInt32
        /// Whether it reaches its label with a byte.
        var isShort = false
    }

    /// A place from which on the code may be longer than it was measured.
    struct Slack: BitwiseCopyable {
        var position: Int
        /// By how many bytes at most, all places before counted.
        var bytes: UInt32
    }

    /// Notes that `bytes` more may be here than are measured.
    mutating func addSlack(_ bytes: Int) {
        guard isMeasuring else { return }
        let sum = totalSlack &+ UInt32(truncatingIfNeeded: bytes)
        slacks.append(Slack(position: code.count, bytes: sum))
    }

    var totalSlack: UInt32 { mutating get { slacks.isEmpty ? 0 : slacks.last.bytes } }

    /// What the places before `position` may add.
    private mutating func slack(before position: Int) -> UInt32 {
        var low = 0
        var high = slacks.count
        while low < high {
            let middle = (low &+ high) / 2
            if slacks[middle].position < position { low = middle &+ 1 } else { high = middle }
        }
        return low == 0 ? 0 : slacks[low &- 1].bytes
    }

    /// A jump back is written short if it can be: what is added since its label may make it long.
    private mutating func noteBackwardJump(to position: Int) {
        let distance = code.count &- position
        guard distance <= 128 else { return }
        let slack = Int(totalSlack &- slack(before: position))
        if distance &+ slack > 128 { addSlack(4) }
    }

    /// Jumps to `label`.
    mutating func jump(_ label: Label) { jump(nil, label) }

    /// Jumps to `label`, if the flags fulfil `condition` or there is none.
    mutating func jump(_ condition: Condition?, _ label: Label) {
        var isShort = false
        let target = code.offset(of: label)
        if target < 0 {
            if isMeasuring {
                let length = condition == nil ? 5 : 6
                forwardJumps.append(
                    ForwardJump(
                        end: UInt32(truncatingIfNeeded: code.count &+ length), label: label,
                        slack: totalSlack))
            } else if jumpCount < forwardJumps.count {
                isShort = forwardJumps[jumpCount].isShort
            }
            jumpCount &+= 1
        }
        if let condition {
            code.jump(condition, label, near: isShort)
        } else {
            code.jump(label, near: isShort)
        }
        if target >= 0, isMeasuring { noteBackwardJump(to: target) }
    }

    /// Starts writing the code of a function, for the first time if it is only to be measured.
    mutating func startWriting(isMeasuring: Bool, at start: Int) {
        self.isMeasuring = isMeasuring
        code.truncate(to: start)
        code.resetLabels()
        coldTraps.removeAll()
        coldAllocations.removeAll()
        tables.removeAll()
        landings.removeAll()
        jumpCount = 0
        innerLoopCount = 0
        if isMeasuring {
            forwardJumps.removeAll()
            innerLoops.removeAll()
            slacks.removeAll()
            hasLoops = false
        }
    }

    /// After measuring: finds the jumps that can be short; false if there are none. Code that is
    /// written with them is nowhere longer, but for what is added to align loops.
    mutating func findShortJumps() -> Bool {
        var hasFound = false
        for index in 0..<forwardJumps.count {
            let jump = forwardJumps[index]
            let target = code.offset(of: jump.label)
            let slack = Int(slack(before: target &+ 1) &- jump.slack)
            let distance = target &- Int(jump.end)
            guard distance >= 0, distance &+ slack <= 127 else { continue }
            forwardJumps[index].isShort = true
            hasFound = true
        }
        return hasFound
    }
}
