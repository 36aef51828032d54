internal import ApusCollections

/// A place in code that may be referred to before it is known. Belongs to one function.
public struct Label: BitwiseCopyable, Sendable {
    let number: UInt32

    /// A label that `CodeBuffer.makeLabel` has not made: a stand-in that nothing may use.
    @inline(__always) public init() { number = .max }

    @inline(__always) init(number: UInt32) { self.number = number }
}

/// The labels of a function and what still waits for them.
struct LabelTable: ~Copyable {
    /// A bound label's offset; for others the complement of the first of their uses in `uses`.
    var states = Arena<Int32>(capacity: 256)
    var uses = Arena<LabelUse>(capacity: 256)
    /// How many uses still wait.
    var pendingCount = 0

    static var unused: Int32 { -1 }

    mutating func removeAll() {
        states.removeAll()
        uses.removeAll()
        pendingCount = 0
    }
}

/// A displacement to be filled in when its label is bound.
struct LabelUse: BitwiseCopyable {
    /// Where the displacement lies.
    var position: Int32
    /// What it counts from.
    var origin: Int32
    /// The next use of the same label, as in `LabelTable.states`.
    var next: Int32
    /// Whether it has 8 bits; else it has 32.
    var isByte: Bool
}

extension CodeBuffer {
    /// Forgets all labels, and constants not yet placed: what follows is another function.
    public mutating func resetLabels() {
        labels.removeAll()
        constants.removeAll()
    }

    /// A new label, good until `resetLabels`.
    public mutating func makeLabel() -> Label {
        let label = Label(number: UInt32(truncatingIfNeeded: labels.states.count))
        labels.states.append(LabelTable.unused)
        return label
    }

    /// Says that `label` is the present position. Once per label.
    public mutating func bind(_ label: Label) {
        var next = labels.states[Int(label.number)]
        let here = Int32(truncatingIfNeeded: count)
        labels.states[Int(label.number)] = here
        while next < LabelTable.unused {
            let use = labels.uses[Int(LabelTable.unused &- 1 &- next)]
            next = use.next
            labels.pendingCount &-= 1
            resolve(use, here)
        }
    }

    /// Appends the 32-bit distance from `origin` to `label`: an entry of a jump table.
    public mutating func append32(label: Label, relativeTo origin: Int) {
        append32(0)
        refer(to: label, at: count &- 4, from: origin)
    }

    /// The offset of `label` if it is bound, or a negative number.
    @inline(__always)
    public func offset(of label: Label) -> Int { Int(labels.states[Int(label.number)]) }

    /// Fills the displacement at `position` with the distance from `origin` to `label`, as soon
    /// as that is known.
    mutating func refer(to label: Label, at position: Int, from origin: Int, isByte: Bool = false) {
        let state = labels.states[Int(label.number)]
        let use = LabelUse(
            position: Int32(truncatingIfNeeded: position),
            origin: Int32(truncatingIfNeeded: origin), next: state, isByte: isByte)
        if state >= 0 { return resolve(use, state) }
        let number = Int32(truncatingIfNeeded: labels.uses.count)
        labels.states[Int(label.number)] = LabelTable.unused &- 1 &- number
        labels.uses.append(use)
        labels.pendingCount &+= 1
    }

    private mutating func resolve(_ use: LabelUse, _ target: Int32) {
        let distance = target &- use.origin
        if use.isByte {
            guard let short = Int8(exactly: distance) else { return hasFailed = true }
            patch8(at: Int(use.position), UInt8(bitPattern: short))
        } else {
            patch32(at: Int(use.position), UInt32(bitPattern: distance))
        }
    }
}
