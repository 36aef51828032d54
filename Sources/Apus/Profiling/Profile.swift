internal import ApusFormat

/// Where guests have spent their time: how often a `Profiler` has found them in which functions.
public struct Profile: Sendable {
    /// A function that was found, with who it was made by.
    public struct Frame: Hashable, Sendable {
        /// What kind of code it is.
        public enum Kind: String, Hashable, Sendable, CaseIterable {
            /// A function of a guest, in code of the baseline compiler.
            case baseline
            /// The same in code of the optimizing compiler.
            case optimized
            /// The same in code that was compiled before.
            case precompiled
            /// A function of a source that is part of the one around it.
            case inlined
            /// A function of the host, or what the runtime does for a guest.
            case host
        }

        /// The function's name as it stands in its source, or what is known of it.
        public var name: String
        /// What kind of code it is.
        public var kind: Kind
        /// The file of its source, as far as that is known.
        public var file: String?

        /// A function called `name`.
        public init(name: String, kind: Kind, file: String? = nil) {
            self.name = name
            self.kind = kind
            self.file = file
        }
    }

    /// A place in the tree of calls.
    public struct Node: Hashable, Sendable {
        /// In `frames`.
        public var frame: Int
        /// In `nodes`, before this one; nil if nobody of the guest's has called it.
        public var parent: Int?
        /// How often a guest was found right here.
        public var samples: Int

        /// A place where `samples` were taken.
        public init(frame: Int, parent: Int?, samples: Int) {
            self.frame = frame
            self.parent = parent
            self.samples = samples
        }
    }

    /// The functions that were found.
    public var frames: [Frame] = []
    /// The tree of calls; who calls comes before who is called.
    public var nodes: [Node] = []
    /// From one look to the next.
    public var period: Duration
    /// Looks that nobody had time to keep.
    public var lostSamples = 0

    /// A profile of nothing yet.
    public init(period: Duration) { self.period = period }

    /// How often guests were found at all.
    public var sampleCount: Int { nodes.reduce(0) { $0 + $1.samples } }

    /// Of each node, how often guests were found there or in what it has called.
    public var totals: [Int] {
        var totals = nodes.map(\.samples)
        for index in nodes.indices.reversed() {
            if let parent = nodes[index].parent { totals[parent] += totals[index] }
        }
        return totals
    }

    /// The frames from the outermost to `node`.
    func stack(of node: Int) -> [Int] {
        var stack: [Int] = []
        var next: Int? = node
        while let present = next {
            stack.append(nodes[present].frame)
            next = nodes[present].parent
        }
        return stack.reversed()
    }

    /// A line for each stack that was found: its functions from the outermost on, with semicolons
    /// between them, and how often. This is what tools for flame graphs take (“folded stacks”).
    public var foldedStacks: String {
        var text = ""
        for index in nodes.indices where nodes[index].samples > 0 {
            let names = stack(of: index).map { frame in
                let name = PrintableText.line(frames[frame].name.replacing(";", with: ":"))
                return frames[frame].kind == .inlined ? name + "_[i]" : name
            }
            text += names.joined(separator: ";") + " \(nodes[index].samples)\n"
        }
        return text
    }

    /// The profile in the JSON form of speedscope (www.speedscope.app), which others read, too.
    public var speedscope: String {
        let seconds = period / .seconds(1)
        var samples: [String] = []
        var weights: [String] = []
        var end = 0.0
        for index in nodes.indices where nodes[index].samples > 0 {
            samples.append("[" + stack(of: index).map(String.init).joined(separator: ",") + "]")
            let weight = Double(nodes[index].samples) * seconds
            weights.append("\(weight)")
            end += weight
        }
        let shared = frames.map { frame in
            let file = frame.file.map { ",\"file\":" + JSONText.quoted($0) } ?? ""
            return "{\"name\":" + JSONText.quoted(frame.name) + file + "}"
        }
        return """
            {"$schema":"https://www.speedscope.app/file-format-schema.json","exporter":"apus",\
            "name":"apus profile","activeProfileIndex":0,\
            "shared":{"frames":[\(shared.joined(separator: ","))]},\
            "profiles":[{"type":"sampled","name":"guests","unit":"seconds","startValue":0,\
            "endValue":\(end),"samples":[\(samples.joined(separator: ","))],\
            "weights":[\(weights.joined(separator: ","))]}]}

            """
    }
}
