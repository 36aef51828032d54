import ApusIR

/// Functions of empty blocks whose control is made at random from loops, branches and sequences.
struct RandomFlow {
    private var random: SplitMix
    private var successors: [[Int]] = []
    /// Headers of the loops around the present place.
    private var headers: [Int] = []

    struct SplitMix: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var bits = state
            bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
            return bits ^ bits >> 31
        }
    }

    /// The text of a function of some dozen blocks, in reverse postorder.
    static func text(seed: UInt64) -> String {
        var flow = RandomFlow(random: SplitMix(state: seed))
        let entry = flow.block()
        let last = flow.region(after: entry, depth: 3)
        flow.successors[last] = []
        var text = "function (i32) -> ()\n"
        for (number, targets) in flow.successors.enumerated() {
            text += number == 0 ? "block0(v0: i32):\n" : "block\(number)():\n"
            let edges = targets.map { "block\($0)()" }
            switch edges.count {
            case 0: text += "return ()\n"
            case 1: text += "jump \(edges[0])\n"
            default: text += "branchTable v0, [\(edges.joined(separator: ", "))]\n"
            }
        }
        return text
    }

    private mutating func block() -> Int {
        successors.append([])
        return successors.count - 1
    }

    /// Builds code that goes on after `block`; the block at its end, which has no successor yet.
    private mutating func region(after block: Int, depth: Int) -> Int {
        var current = block
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            switch depth == 0 ? 0 : Int.random(in: 0..<4, using: &random) {
            case 0:
                let next = self.block()
                successors[current] = [next]
                current = next
            case 1: current = fork(current, depth)
            default: current = loop(current, depth)
            }
        }
        return current
    }

    private mutating func fork(_ head: Int, _ depth: Int) -> Int {
        var ends: [Int] = []
        for _ in 0..<Int.random(in: 2...3, using: &random) {
            let arm = block()
            successors[head].append(arm)
            ends.append(region(after: arm, depth: depth - 1))
        }
        let join = block()
        for end in ends { successors[end].append(join) }
        if Bool.random(using: &random) { successors[head].append(join) }
        return join
    }

    private mutating func loop(_ before: Int, _ depth: Int) -> Int {
        let header = block()
        successors[before] = [header]
        headers.append(header)
        let end = region(after: header, depth: depth - 1)
        // Back to this loop, and perhaps to one around it.
        successors[end].append(header)
        if let outer = headers.randomElement(using: &random),
            Int.random(in: 0..<3, using: &random) == 0
        {
            successors[end].append(outer)
        }
        headers.removeLast()
        let exit = block()
        successors[end].append(exit)
        return exit
    }
}
