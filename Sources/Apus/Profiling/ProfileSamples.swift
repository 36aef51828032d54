internal import ApusRuntime

/// Samples that nobody has made frames of: program counters, and the code that they are in, which
/// is kept until then. To add one takes little, as who takes samples out has deadlines to look
/// after.
struct ProfileSamples {
    /// A program counter, in code that is running or as a return address.
    struct Place: Hashable {
        enum Kind: Hashable {
            case running
            case waiting
            /// What the code that waits there has called is the host's.
            case called
        }

        var counter: UInt
        var kind: Kind
    }

    /// A place, the one that has called it, by its position, and how often it was found.
    struct Node {
        var place: Int
        var parent: Int?
        var samples = 0
    }

    private struct Edge: Hashable {
        var parent: Int?
        var place: Int
    }

    /// Those that call come before those that are called.
    private(set) var nodes: [Node] = []
    private(set) var places: [Place] = []
    /// The code of each place; nil: none that is known.
    private(set) var codes: [(image: CodeImage, module: LoadedModule)?] = []
    private var nodeIndices: [Edge: Int] = [:]
    private var placeIndices: [Place: Int] = [:]

    /// Adds a sample (`Sampling`).
    mutating func add(_ counters: Span<UInt>) {
        // From the outermost on.
        var node: Int?
        for position in counters.indices.reversed() {
            node = index(ofNode: Edge(parent: node, place: index(of: counters, position)))
        }
        if let node { nodes[node].samples += 1 }
    }

    private mutating func index(ofNode edge: Edge) -> Int {
        if let known = nodeIndices[edge] { return known }
        nodes.append(Node(place: edge.place, parent: edge.parent))
        nodeIndices[edge] = nodes.count - 1
        return nodes.count - 1
    }

    private mutating func index(of counters: Span<UInt>, _ position: Int) -> Int {
        let counter = counters[position]
        if counter != 0 {
            return index(of: Place(counter: counter, kind: position > 0 ? .waiting : .running))
        }
        // Whom the guest has called is told by where it returns to.
        let caller = position + 1 < counters.count ? counters[position + 1] : 0
        return index(of: Place(counter: caller, kind: .called))
    }

    private mutating func index(of place: Place) -> Int {
        if let known = placeIndices[place] { return known }
        places.append(place)
        codes.append(CodeRegistry.shared.code(at: place.counter))
        placeIndices[place] = places.count - 1
        return places.count - 1
    }
}
