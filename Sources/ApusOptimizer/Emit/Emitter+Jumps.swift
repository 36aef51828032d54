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
        /// What aligning loops may have added before it, at most.
        var slack: UInt32
        /// Whether it reaches its label with a byte.
        var isShort = false
    }

    /// How far a jump of two bytes goes.
    private static var shortReach: Int { 127 }

    /// Jumps to `label`.
    mutating func jump(_ label: Label) { jump(nil, label) }

    /// Jumps to `label`, if the flags fulfil `condition` or there is none.
    mutating func jump(_ condition: Condition?, _ label: Label) {
        var isShort = false
        let target = code.offset(of: label)
        if target >= 0, isMeasuring, code.count &- target <= Self.shortReach {
            // Loops in between that are aligned later may make it long.
            if code.count &- target &+ Int(alignmentSlack) > Self.shortReach - 8 {
                alignmentSlack &+= 4
            }
        }
        if target < 0 {
            if isMeasuring {
                let length = condition == nil ? 5 : 6
                forwardJumps.append(
                    ForwardJump(
                        end: UInt32(truncatingIfNeeded: code.count &+ length), label: label,
                        slack: alignmentSlack))
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
    }

    /// Starts writing the code of a function, for the first time if it is only to be measured.
    mutating func startWriting(isMeasuring: Bool, at start: Int) {
        self.isMeasuring = isMeasuring
        code.truncate(to: start)
        code.resetLabels()
        coldTraps.removeAll()
        tables.removeAll()
        jumpCount = 0
        alignmentSlack = 0
        innerLoopCount = 0
        if isMeasuring {
            forwardJumps.removeAll()
            innerLoops.removeAll()
            hasLoops = false
        }
    }

    /// After measuring: finds the jumps that can be short; false if there are none. Code that is
    /// written with them is nowhere longer, but for what aligning loops adds.
    mutating func findShortJumps() -> Bool {
        var hasFound = false
        for index in 0..<forwardJumps.count {
            let jump = forwardJumps[index]
            let slack = Int(alignmentSlack &- jump.slack)
            let distance = code.offset(of: jump.label) &- Int(jump.end)
            guard distance >= 0, distance &+ slack <= Self.shortReach else { continue }
            forwardJumps[index].isShort = true
            hasFound = true
        }
        return hasFound
    }
}
