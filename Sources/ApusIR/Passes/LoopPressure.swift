internal import ApusCollections

// Used by: `CodeMotion`.

/// How many registers the innermost loops around each block have left: an estimate, from the
/// values that come into a loop and those that go round in it.
struct LoopPressure: ~Copyable {
    private var general = Arena<Int32>(capacity: 32)
    private var vector = Arena<Int32>(capacity: 32)
    /// Of each value, the last loop that was found to use it, plus 1.
    private var seen = Arena<UInt32>(capacity: 1024)

    /// Registers that a loop may fill with what does not change, of all that there are: its own
    /// values need some as well. With calls in it, only those that calls keep. They are two thirds
    /// of those that there are at least (12 and 15), and all but one of those that calls keep (4):
    /// one too many costs a load in each round, one too few costs computing something anew.
    private static var generalRoom: Int32 { 8 }
    private static var vectorRoom: Int32 { 10 }
    private static var roomAcrossCalls: Int32 { 3 }

    init() {}

    mutating func compute(
        _ function: borrowing Function, _ loops: borrowing Loops, _ homes: borrowing Arena<Block>
    ) {
        let count = loops.records.count
        general.refill(Self.generalRoom, count: count)
        vector.refill(Self.vectorRoom, count: count)
        if count == 0 { return }
        seen.refill(0, count: function.instructions.count)
        for number in 0..<function.blocks.count {
            let block = Block(at: number)
            let loop = loops.loop(block)
            if loop < 0 { continue }
            if loops.records[loop].header == block {
                for place in function[block].parameters {
                    charge(function.type(function.order[place]), loop)
                }
            }
            for place in function[block].body {
                let value = function.order[place]
                if function[value].operator.row.effects.contains(.calls) { noteCall(loop, loops) }
                function.forEachOperand(function[value]) { operand in
                    let home = homes[operand.index]
                    guard !home.isNone, !loops.contains(loop, home),
                        seen[operand.index] != UInt32(truncatingIfNeeded: loop &+ 1)
                    else { return }
                    seen[operand.index] = UInt32(truncatingIfNeeded: loop &+ 1)
                    charge(function.type(operand), loop)
                }
            }
        }
    }

    private mutating func charge(_ type: IRType, _ loop: Int) {
        if type.isGeneral { general[loop] &-= 1 } else { vector[loop] &-= 1 }
    }

    private mutating func noteCall(_ loop: Int, _ loops: borrowing Loops) {
        // What calls keep is also what is charged; vectors are kept by none.
        let most = Self.generalRoom &- Self.roomAcrossCalls
        var loop = loop
        while loop >= 0, vector[loop] > Int32.min / 2 {
            general[loop] &-= most
            vector[loop] = Int32.min / 2
            loop = Int(loops.records[loop].parent)
        }
    }

    func hasRoom(for type: IRType, in loop: Int) -> Bool {
        (type.isGeneral ? general[loop] : vector[loop]) > 0
    }

    /// Keeps a register for a value of `type` in all loops from `inner` out to `outer`.
    mutating func take(
        _ type: IRType, from inner: Int, to outer: Int, _ loops: borrowing Loops
    ) {
        var loop = inner
        while loop >= 0, loop != outer {
            charge(type, loop)
            loop = Int(loops.records[loop].parent)
        }
    }
}
