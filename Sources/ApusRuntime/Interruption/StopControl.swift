internal import ApusABI
internal import ApusLocks

/// Where the guests of one store stop for a debugger. Any thread may change it while they run.
public final class StopControl: Sendable {
    /// Reasons to stop before an instruction.
    public struct Marks: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Somebody has said so.
        public static let breakpoint = Marks(rawValue: 1)
        /// What runs is to go on until it gets here.
        public static let step = Marks(rawValue: 2)
    }

    /// What there is of a module.
    private struct Entry {
        let module: LoadedModule
        let marks: StopTable
        /// All bytes are set; made when it is first needed.
        var everywhere: StopTable?
        /// Where contexts of its instances have the address of the bytes that their code looks at.
        var places: [UInt] = []
    }

    private struct State {
        var entries: [Entry] = []
        var isEverywhere = false

        /// The entry of a module that has stop points; made if there is none.
        mutating func entry(of module: LoadedModule) throws(ResourceError) -> Int {
            if let known = entries.firstIndex(where: { $0.module === module }) { return known }
            let marks = try StopTable(count: module.layout.stopRange.count, filled: false)
            entries.append(Entry(module: module, marks: marks))
            return entries.count - 1
        }

        /// Has all instances of a module look where they are to look now. If there is no memory for
        /// that they stop where they are told to, and not everywhere.
        mutating func lead(_ index: Int) {
            if isEverywhere, entries[index].everywhere == nil {
                let count = entries[index].marks.count
                entries[index].everywhere = try? StopTable(count: count, filled: true)
            }
            let table = isEverywhere ? entries[index].everywhere : nil
            for place in entries[index].places { (table ?? entries[index].marks).watch(place) }
        }
    }

    private let state = SystemMutex(State())

    init() {}

    /// Takes care of an instance whose context has the address at `place`.
    func add(_ place: UInt, of module: LoadedModule) {
        state.withLock { state in
            guard let index = try? state.entry(of: module) else {
                module.noStops?.watch(place)
                return
            }
            state.entries[index].places.append(place)
            state.lead(index)
        }
    }

    /// The store is going, and its instances with it.
    func detach() {
        state.withLock { state in
            for index in state.entries.indices { state.entries[index].places = [] }
        }
    }

    /// Has guests stop before every instruction, or only before those that are marked.
    public func stopEverywhere(_ isEverywhere: Bool) {
        state.withLock { state in
            guard state.isEverywhere != isEverywhere else { return }
            state.isEverywhere = isEverywhere
            for index in state.entries.indices { state.lead(index) }
        }
    }

    /// The marks of the instruction at `offset` of the module's bytes.
    public func marks(at offset: Int, in module: LoadedModule) -> Marks {
        state.withLock { state in
            guard let entry = state.entries.first(where: { $0.module === module }) else {
                return []
            }
            return Marks(rawValue: entry.marks[offset - module.layout.stopRange.lowerBound])
        }
    }

    /// Marks instructions, or takes their marks away.
    public func set(
        _ marks: Marks, _ isSet: Bool, at offsets: Range<Int>, in module: LoadedModule
    ) throws(ResourceError) {
        let error = state.withLock { state -> ResourceError? in
            let index: Int
            do throws(ResourceError) {
                index = try state.entry(of: module)
            } catch {
                return error
            }
            let table = state.entries[index].marks
            for offset in offsets.clamped(to: module.layout.stopRange) {
                let place = offset - module.layout.stopRange.lowerBound
                let bits = table[place]
                table[place] = isSet ? bits | marks.rawValue : bits & ~marks.rawValue
            }
            return nil
        }
        if let error { throw error }
    }
}

/// Is told of guests that stop, on their own thread, with all their frames in place.
public protocol StopHandler: AnyObject {
    /// The guest is before the instruction at `offset` of its module's bytes. What is thrown ends
    /// it.
    func stopped(before offset: Int, in instance: InstanceState) throws

    /// The guest has trapped, or thrown an exception, which it may catch.
    func trapped(_ trap: GuestTrap)
}
