internal import ApusDWARF
internal import ApusRuntime

/// What is asked of guests' sources at once, as for one backtrace, or while a guest is stopped.
/// Work for it is bounded, whatever the modules say; when that much has been done, frames are told
/// without their sources. What is said of a place is found out once.
struct SourceLookup {
    /// For the modules' debugging information.
    var budget: WorkBudget
    var names = SourceNames()
    private var known: [Place: [Trap.SourceFrame]] = [:]

    private struct Place: Hashable {
        var module: ObjectIdentifier
        var offset: Int
    }

    /// For as much as `budget` allows.
    init(_ budget: WorkBudget = .lookup) { self.budget = budget }

    /// The functions of the source that the instruction at `offset` of `module` belongs to,
    /// innermost first. Modules live longer than this does.
    mutating func frames(at offset: Int, of module: LoadedModule) -> [Trap.SourceFrame] {
        let place = Place(module: ObjectIdentifier(module), offset: offset)
        if let frames = known[place] { return frames }
        let found = module.sourceIndex?.frames(at: offset, &budget) ?? []
        let frames = found.map { Trap.SourceFrame($0, &names) }
        known[place] = frames
        return frames
    }
}

/// Names of functions as they stand in their sources, each read once.
struct SourceNames {
    private var known: [String: String?] = [:]
    /// How many bytes of names may still be read: some take microseconds for each.
    private var bytesLeft: Int

    /// For as much as a backtrace shows of names that are not made to be long.
    init(bytes: Int = 256 << 10) { bytesLeft = bytes }

    /// `name` as it stands in its source; as it is if it is not a name that a compiler made, or too
    /// many have been read.
    mutating func demangled(_ name: String) -> String { ifMangled(name) ?? name }

    /// The same; nil for a name that is as it was.
    mutating func ifMangled(_ name: String) -> String? {
        guard DemangledName.isMangled(name) else { return nil }
        if let found = known[name] { return found }
        bytesLeft -= name.utf8.count
        if bytesLeft < 0 { return nil }
        let found = DemangledName.of(name)
        known[name] = .some(found)
        return found
    }
}
