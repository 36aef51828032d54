/// How much may be done with a module's debugging information: sections can refer to each other so
/// that reading them in full takes the square of their size, or longer. A step is a byte that is
/// read, an attribute, or something else that is looked at.
public struct WorkBudget: Sendable {
    private(set) var left: Int

    /// For reading all there is. What is found in real modules takes a few steps for each byte.
    init(sectionBytes: Int) { left = 16 * sectionBytes + 4096 }

    private init(steps: Int) { left = steps }

    /// For what is asked at once, such as all that a backtrace shows.
    public static var lookup: WorkBudget { WorkBudget(steps: 4 << 20) }

    /// For what is asked again and again over a while, such as while a guest is stopped, or by
    /// samples of a profile.
    public static var session: WorkBudget { WorkBudget(steps: 64 << 20) }

    /// Whether nothing more may be done.
    public var isSpent: Bool { left < 0 }

    /// Notes that `steps` are taken, which may be more than are left: none are then.
    mutating func take(_ steps: Int) { left = isSpent ? left : left - steps }

    /// Notes that `steps` are taken.
    mutating func spend(_ steps: Int = 1, at offset: Int) throws(MalformedDebugInformation) {
        take(steps)
        if isSpent { throw MalformedDebugInformation(offset: offset) }
    }

    /// Notes that what is between `start` and where `reader` is now has been read.
    mutating func spend(
        from start: Int, to reader: DebugReader
    ) throws(MalformedDebugInformation) {
        try spend(1 + reader.position - start, at: start)
    }
}
