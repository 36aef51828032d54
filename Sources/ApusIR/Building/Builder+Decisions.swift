/// What is known of conditions: on which way of a branch the code at hand is, and which traps have
/// not been taken.
extension Builder {
    /// Whether `value`, an i32, is not 0; nil if that is not known here.
    public mutating func decision(on value: Value) -> Bool? {
        if let bits = constant(value) { return bits != 0 }
        if find(Self.key(value, isTrue: true)) != nil { return true }
        return find(Self.key(value, isTrue: false)) != nil ? false : nil
    }

    /// Notes what is known of `value` from here on: that it is not 0, or that it is.
    mutating func learn(_ value: Value, isTrue: Bool) {
        insert(Self.key(value, isTrue: isTrue), value)
    }

    /// Notes what is known in the block that has been opened last since `edge` leads there, and no
    /// other one does.
    public mutating func learn(along edge: Edge) {
        let end = function[function.terminator(function[edge].source)]
        guard end.operator == .branch, end.b != end.c, constant(end.first) == nil else { return }
        learn(end.first, isTrue: end.b == edge.number)
    }

    /// The value of `instruction`, which only computes, if it is known here.
    public mutating func known(_ instruction: Instruction) -> Value? {
        find(ValueTable.Key(instruction, version: 0))
    }

    /// Stands for a branch on `value`: no value is made of one.
    private static func key(_ value: Value, isTrue: Bool) -> ValueTable.Key {
        ValueTable.Key(
            Instruction(.branch, .none, immediate: isTrue ? 1 : 0, a: value.number), version: 0)
    }
}
